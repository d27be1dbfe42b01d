"""On what ground a matter must be answered in public (应当回应). Pure; a proposal until a person says otherwise.

The kinds are those of 国办发〔2016〕61号: policy that is misread, vital interests of many, what offends common decency,
emergencies, what a superior asks for. A rumour is refuted (国办发〔2016〕80号: 虚假不实的及时辟谣). That the media ask, and
that every matter from Ⅲ on counts as one of wide effect, are project defaults (项目默认).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Owed(StrEnum):
    """A ground, as it is stored; the plainest first: of several the first is told."""

    EMERGENCY = "emergency"
    RUMOUR = "rumour"
    POLICY = "policy"
    DECENCY = "decency"
    SUPERIOR = "superior"
    MEDIA = "media"
    INTERESTS = "interests"
    LEVEL = "level"
    PERSON = "person"


OWED_NAMES: Mapping[Owed, str] = {
    Owed.EMERGENCY: "涉险情安全",
    Owed.RUMOUR: "谣言不实",
    Owed.POLICY: "政策误读",
    Owed.DECENCY: "冲击道德底线",
    Owed.SUPERIOR: "上级交办",
    Owed.MEDIA: "媒体关注",
    Owed.INTERESTS: "群众切身利益",
    Owed.LEVEL: "三级以上",
    Owed.PERSON: "值班认定",
}
GROUNDS: Mapping[str, Owed] = {
    name: owed for owed, name in OWED_NAMES.items() if owed not in {Owed.LEVEL, Owed.PERSON}
}
"""The grounds that a rule may give, by the words that it gives them in."""
_of_lead: Mapping[str, Owed] = {
    "security": Owed.EMERGENCY,
    "office": Owed.POLICY,
    "publicity": Owed.MEDIA,
}


def plainest(grounds: Iterable[Owed | None]) -> Owed | None:
    """Give the plainest of the grounds; None where there is none."""
    order = list(Owed)
    return min((one for one in grounds if one is not None), key=order.index, default=None)


def of_lead(channel: str | None) -> Owed:
    """Give the ground of a duty that nobody named one for, by who should lead."""
    return _of_lead.get(channel or "", Owed.INTERESTS)
