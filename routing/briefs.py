"""What goes up to leaders on paper: the 舆情专报 of a matter, and the 舆情快报 of a report that was filed on it. Pure.

Only what the record holds: what the desk counted is told as counted, what it only proposes as a proposal.
"""

from collections.abc import Iterator
from datetime import datetime

from routing.errors import UserError
from routing.export import LEFT_OUT
from routing.forms import Facts, Field, Form
from routing.procedure import UNJUDGED
from routing.views import PaperView
from routing.workflow import STATE_NAMES, Command

SPECIAL = "舆情专报"
BULLETIN = "舆情快报"


def special_form(facts: Facts) -> Form:
    """Fill in the 舆情专报 of a matter as it stands."""
    file, view = facts.file, facts.view
    first = min((part.published_at for part in file.texts if part.published_at), default=None)
    fields = (
        Field("编号", file.number),
        Field("期数"),
        Field("报送单位", facts.office.name),
        Field("签发人"),
        Field("报送时间"),
        Field("标题", file.title, is_long=True),
        Field("来源", facts.sources()),
        Field("链接", facts.link, is_long=True),
        Field("首发时间", facts.at(first)),
        Field("摘要", facts.summary, is_long=True),
        Field("传播情况", spread(facts), is_long=True),
        Field("网民观点", _voices(facts), is_long=True),
        Field("研判意见", _judged(facts), is_long=True),
        Field("处置建议", _proposed(facts), is_long=True),
        Field("领导批示", "有批示" if view.clock.instructed else "", is_long=True),
        Field("处置结果", _result(facts), is_long=True),
        Field("主送"),
        Field("抄送"),
    )
    return facts.form(SPECIAL, fields)


def bulletin_form(facts: Facts, kind: str) -> Form:
    """Fill in the 舆情快报 of the newest report of a kind (`first`, `follow`, `final`).

    Raises UserError where no such report was filed.
    """
    name = facts.words.name("report", kind)
    filed = [paper for paper in facts.papers(Command.REPORT) if paper.stance == kind]
    if not filed:
        raise UserError(
            f"{facts.file.number} 没有登记过{name}，什么都没有导出。请先在卡片上“报告…”登记，"
            "或去掉 --report 导出舆情专报。"
        )
    report = filed[-1]
    fields = (
        Field("编号", facts.file.number),
        Field("报告类型", name + _mark(kind, len(filed))),
        Field("报送单位", facts.office.name),
        Field("报送时间", facts.at(report.at)),
        Field("发生时间"),
        Field("发生地点", facts.view.place or ""),
        Field("基本情况及热度", _reported(facts, report), is_long=True),
        Field("传播情况", spread(facts), is_long=True),
        Field("工作情况", "\n".join(_work(facts, report.at)), is_long=True),
        Field("下一步工作", _next(facts, report.at), is_long=True),
        Field("签发人"),
        Field("联系人", report.by),
        Field("办公电话"),
    )
    return facts.form(BULLETIN, fields)


def _mark(kind: str, times: int) -> str:
    """Say what a first report always is (首报可未经核实), and which one this is where there were several."""
    return ("（待核实）" if kind == "first" else "") + (f"（第 {times} 次）" if times > 1 else "")


def spread(facts: Facts) -> str:
    """Tell how far a matter has spread: its texts, where they stand, and what is counted; counts nobody knows are left out."""
    counts = facts.view.counts
    numbers = (
        ("浏览", counts.views),
        ("转发", counts.reposts),
        ("评论", counts.comments),
        ("点赞", counts.likes),
    )
    told = [f"{name} {number}" for name, number in numbers if number is not None]
    where = facts.sources()
    since = f"截至 {facts.at(facts.now)}，"
    return "，".join([f"{since}共 {facts.view.items} 条信息" + (f"（{where}）" if where else ""), *told])


def _voices(facts: Facts) -> str:
    tally = [
        f"{facts.words.name('band', band)} {count} 条" for band, count in facts.view.bands.items() if count
    ]
    if not tally:
        return ""
    lead = facts.view.lead
    quote = f"原话：“{lead.quote}”" if lead is not None and lead.quote and facts.shown else ""
    return "。".join(filter(None, (f"系统按文字判断：{'、'.join(tally)}", quote)))


def _judged(facts: Facts) -> str:
    file, view = facts.file, facts.view
    told = [f"{facts.words.name('level', int(file.level))}，归口{facts.words.name('channel', file.channel)}"]
    if file.must_answer:
        told.append("应当回应" + (f"（{facts.words.name('owed', file.owed)}）" if file.owed else ""))
    if view.level_why:
        told.append(f"定级依据：{view.level_why}")
    if file.state in UNJUDGED:
        return f"系统建议，尚未研判：{'；'.join(told)}"
    return "；".join([*told, *(f"会商结论：{p.text}" for p in facts.papers(Command.CONCLUDE)[-1:])])


def _proposed(facts: Facts) -> str:
    asked = facts.papers(Command.SUBMIT)[-1:]
    return "".join(f"拟交{p.text or facts.words.name('channel', p.channel)}办理" for p in asked)


def _result(facts: Facts) -> str:
    told = []
    for release in facts.file.releases:
        where = release.url or release.told
        told.append(f"{facts.at(release.at)} 已回应" + (f"：{where}" if where else ""))
    return "；".join([*told, f"现为“{STATE_NAMES[facts.file.state]}”"])


def _reported(facts: Facts, report: PaperView) -> str:
    return report.text if facts.shown else LEFT_OUT


def _work(facts: Facts, until: datetime) -> Iterator[str]:
    """Tell what was done by the time of a report, oldest first."""
    done: list[tuple[datetime | None, str]] = []
    for slip in facts.file.slips:
        done.append((slip.sent_at, f"转办{slip.unit}" + (f"（{slip.number}）" if slip.number else "")))
        done += [(slip.signed_at, f"{slip.unit}签收"), (slip.returned_at, f"{slip.unit}退回")]
    done += [(draft.at, f"拟出答复稿第 {draft.version} 稿") for draft in facts.file.drafts]
    done += [(release.at, "已回应") for release in facts.file.releases]
    for at, what in sorted((at, what) for at, what in done if at is not None and at <= until):
        yield f"{facts.at(at)} {what}"


def _next(facts: Facts, at: datetime) -> str:
    """Tell which limits ran at the time of a report, the first to end in front."""
    running = [
        limit
        for limit in facts.file.limits
        if limit.started_at <= at and (limit.ended_at is None or limit.ended_at > at)
    ]
    return "\n".join(
        f"{facts.words.name('step', limit.step)}，{facts.at(limit.due_at)} 前"
        for limit in sorted(running, key=lambda limit: limit.due_at)
    )
