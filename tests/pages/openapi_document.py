"""A small OpenAPI document with every feature that ``openapi.read`` knows, for the sample pages and tests."""

from __future__ import annotations

from typing import Any

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "ART Register", "version": "1", "description": "公开数据可直接读取。"},
    "paths": {
        "/api/v1/institutions/{code}": {
            "parameters": [{"$ref": "#/components/parameters/code"}],
            "get": {
                "summary": "一家机构",
                "description": "截至某日的一家机构；改名后编码不变。",
                "parameters": [
                    {
                        "name": "on",
                        "in": "query",
                        "schema": {"type": "string", "format": "date"},
                        "example": "2025-07-01",
                    }
                ],
                "responses": {
                    "200": {
                        "description": "机构",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Institution"},
                                "example": {"code": "7K2M-9QX4", "name": "示例市示例生殖医院", "status": "listed"},
                            }
                        },
                    },
                    "404": {"description": "名录中没有这个编码"},
                },
            },
        },
        "/api/v1/verify": {
            "post": {
                "summary": "核验",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Claim"},
                            "examples": {"name": {"value": {"provider": {"name": "示例市示例生殖医院"}}}},
                        }
                    }
                },
                "responses": {
                    "200": {
                        "description": "答复",
                        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}},
                    }
                },
            }
        },
    },
    "components": {
        "parameters": {
            "code": {
                "name": "code",
                "in": "path",
                "required": True,
                "description": "eight characters",
                "schema": {"type": "string"},
            }
        },
        "schemas": {
            "Institution": {
                "type": "object",
                "description": "一个批准的执业地点",
                "required": ["code"],
                "properties": {
                    "code": {"type": "string", "examples": ["7K2M-9QX4"]},
                    "status": {"enum": ["listed", "suspended", "delisted"]},
                    "limit": {"type": "integer", "default": 20},
                    "uscc": {"type": ["string", "null"]},
                    "source": {"oneOf": [{"$ref": "#/components/schemas/Source"}, {"type": "null"}]},
                    "approvals": {"type": "array", "items": {"$ref": "#/components/schemas/Claim"}},
                    "extra": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Claim": {"type": "object", "properties": {"id": {"const": "row-1"}}},
            "Source": {"type": "string"},
        },
    },
}
