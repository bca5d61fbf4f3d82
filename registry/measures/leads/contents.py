"""What a lead says: sealed with the key of second factors where it lies, opened for whoever may read it, erased."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from registry.accounts.vault import Vault
from registry.errors import NotFound
from registry.measures.leads.model import LeadContent, Picture
from registry.storage.lead_tables import lead_files, lead_notes, lead_pictures, leads
from registry.texts import Message


def seal_content(vault: Vault, number: str, content: LeadContent) -> bytes:
    """Seal what was reported; SecretsKeyMissing."""
    return vault.seal_content(f"lead {number}", msgspec.json.encode(content))


def read_content(connection: sa.Connection, vault: Vault, lead: int) -> LeadContent | None:
    """Read what was reported; None once it was erased. SecretsKeyMissing."""
    row = connection.execute(sa.select(leads.c.number, leads.c.content).where(leads.c.id == lead)).one()
    if row.content is None:
        return None
    return msgspec.json.decode(vault.open_content(f"lead {row.number}", row.content), type=LeadContent)


def insert_note(connection: sa.Connection, vault: Vault, place: tuple[int, int], note: str) -> None:
    """Insert what somebody wrote beside a step, sealed; ``place``: the lead and the step."""
    lead, step = place
    sealed = vault.seal_content(f"note {lead} {step}", note.encode())
    connection.execute(sa.insert(lead_notes).values(lead=lead, step=step, sealed=sealed))


def read_notes(connection: sa.Connection, vault: Vault, lead: int) -> dict[int, str]:
    """Read what was written beside the steps of a lead, by step."""
    rows = connection.execute(sa.select(lead_notes).where(lead_notes.c.lead == lead))
    return {row.step: vault.open_content(f"note {lead} {row.step}", row.sealed).decode() for row in rows}


def insert_picture(
    connection: sa.Connection, vault: Vault, place: tuple[int, int], picture: Picture, body: bytes
) -> None:
    """Insert a picture, sealed; ``place``: the lead and the picture's number in it, from 1."""
    lead, position = place
    sealed = vault.seal_content(f"picture {lead} {position}", body)
    row = {**msgspec.structs.asdict(picture), "sealed": sealed}
    connection.execute(sa.insert(lead_pictures).values(lead=lead, position=position, **row))


def list_pictures(connection: sa.Connection, lead: int) -> list[Picture]:
    """List the pictures of a lead, without their bytes; none once they were erased."""
    columns = [lead_pictures.c[name] for name in Picture.__struct_fields__]
    query = sa.select(*columns).where(lead_pictures.c.lead == lead).order_by(lead_pictures.c.position)
    return [Picture(**row._mapping) for row in connection.execute(query)]


def read_picture(connection: sa.Connection, vault: Vault, lead: int, position: int) -> bytes:
    """Read a picture; NotFound where there is none."""
    query = sa.select(lead_pictures.c.sealed).where(lead_pictures.c.lead == lead, lead_pictures.c.position == position)
    sealed = connection.execute(query).scalar()
    if sealed is None:
        raise NotFound(Message("没有这张图片，或已按期删除。"))
    return vault.open_content(f"picture {lead} {position}", sealed)


def insert_file(connection: sa.Connection, vault: Vault, place: tuple[int, int], name: str, body: bytes) -> None:
    """Insert a file as it was handed over with a step, sealed; ``place``: the lead and the step."""
    lead, step = place
    sealed = vault.seal_content(f"file {lead} {step}", body)
    connection.execute(sa.insert(lead_files).values(lead=lead, step=step, name=name, sealed=sealed))


def read_file(connection: sa.Connection, vault: Vault, lead: int, step: int) -> tuple[str, bytes]:
    """Read (name, bytes) of what was handed over with a step; NotFound where there is nothing."""
    query = sa.select(lead_files).where(lead_files.c.lead == lead, lead_files.c.step == step)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(Message("没有这份移交文件，或已按期删除。"))
    return row.name, vault.open_content(f"file {lead} {step}", row.sealed)


def erase_content(connection: sa.Connection, lead: int) -> None:
    """Erase everything that anybody wrote or sent of a lead."""
    connection.execute(sa.delete(lead_notes).where(lead_notes.c.lead == lead))
    connection.execute(sa.delete(lead_files).where(lead_files.c.lead == lead))
    connection.execute(sa.delete(lead_pictures).where(lead_pictures.c.lead == lead))
    connection.execute(sa.update(leads).where(leads.c.id == lead).values(content=None))
