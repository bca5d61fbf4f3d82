from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import InvalidInput
from registry.settings import Settings, get_variable_name, list_settings, load


def test_without_an_environment_everything_has_its_default() -> None:
    assert load({}) == Settings()
    assert load({}).get_database_url().startswith("sqlite:///")
    assert load({}).get_database_url().endswith("/var/register.sqlite")
    assert load({}).get_key_file() == Path("var/signing.key")


def test_a_variable_sets_its_setting(tmp_path: Path) -> None:
    settings = load({"REGISTRY_DATA_DIR": str(tmp_path), "REGISTRY_PUBLIC_URL": "https://register.example"})
    assert settings.data_dir == tmp_path
    assert settings.get_database_url() == f"sqlite:///{tmp_path / 'register.sqlite'}"
    assert settings.get_key_file() == tmp_path / "signing.key"
    assert settings.public_url == "https://register.example"


def test_a_database_and_a_key_elsewhere_are_used_as_said() -> None:
    url = "postgresql+psycopg://registry@db.example/registry"
    settings = load({"REGISTRY_DATABASE_URL": url, "REGISTRY_SIGNING_KEY": "keys/one.key"})
    assert settings.get_database_url() == url
    assert settings.get_key_file() == Path("keys/one.key")


def test_an_empty_variable_is_no_setting() -> None:
    assert load({"REGISTRY_DATA_DIR": "", "REGISTRY_DATABASE_URL": ""}) == Settings()


@pytest.mark.parametrize("address", ["register.example", "ftp://register.example", "/srv"])
def test_an_address_that_no_one_can_open_is_refused_by_name(address: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load({"REGISTRY_PUBLIC_URL": address})
    assert "REGISTRY_PUBLIC_URL" in refusal.value.zh
    assert "REGISTRY_PUBLIC_URL" in refusal.value.en


@pytest.mark.parametrize(
    "address",
    [
        *("https://health.example/art", "https://health.example/?a=1", "https://health.example/#a"),
        *("https://u:p@art.example", "https://", "https://art.example:0", "https://art.example:99999"),
        "https://名录.example",
    ],
)
def test_an_address_that_the_register_would_not_serve_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load({"REGISTRY_PUBLIC_URL": address})
    assert "REGISTRY_PUBLIC_URL" in refusal.value.zh
    assert "REGISTRY_PUBLIC_URL" in refusal.value.en


@pytest.mark.parametrize(
    "address", ["https://art.example", "https://art.example/", "http://127.0.0.1:8001", "http://[::1]:1"]
)
def test_a_whole_host_is_an_address(address: str) -> None:
    assert load({"REGISTRY_PUBLIC_URL": address}).public_url == address


def test_every_setting_says_what_it_means() -> None:
    told = list_settings()
    assert [name for name, _, _ in told] == [get_variable_name(field) for field in Settings.__struct_fields__]
    assert all(meaning for _, _, meaning in told)
    assert get_variable_name("data_dir") == "REGISTRY_DATA_DIR"
