"""Bodies that other systems pushed, as the inbox asks after them. Writing them down is the business of intake."""

from sqlalchemy.orm import Session

from routing.store.tables import PushRow


def was_taken(session: Session, source_id: str, signature: str) -> bool:
    """Tell whether a body with this signature was taken; `signature`: 64 hexadecimal digits, small letters."""
    return session.get(PushRow, (source_id, signature)) is not None
