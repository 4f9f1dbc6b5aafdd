"""What the terminal shows of an agreement: clauses and findings, each under its own heading."""

from typing import Any

from rich.text import Text

from detente.cli.show import indented, out


def check(found: dict[str, Any]) -> None:
    """Each clause at its most revealing, then what was found."""
    _heading(found["agreement"])
    indented(f"digest {found['digest']}", 0, "dim")
    for clause in found["clauses"]:
        out.print()
        _heading(clause["name"])
        _sentence(clause["at_most"])
        _sentence(clause["bound"])
    if not found["clauses"]:
        indented("no clause, and therefore no release", 2)
    out.print()
    for finding in found["findings"]:
        where = f" in clause {finding['clause']}" if finding["clause"] else ""
        _heading(f"{finding['kind']}{where}", "bold red" if finding["serious"] else "bold")
        indented(finding["text"], 4)
    grave = {finding["kind"] for finding in found["findings"] if finding["serious"]}
    if grave == {"ended"}:
        _heading("over: what it says no longer releases anything", "bold red")
    else:
        _heading("not sound: it does not say what it seems to say" if grave else "sound")


def change(found: dict[str, Any]) -> None:
    """What the second agreement newly releases and withholds, on what other terms, and who joined or left."""
    if found["same"]:
        text = "" if found["same_text"] else ", though not in the same words"
        indented(f"the two tell the same, on the same terms{text}", 0)
    for key, verb in (("newly_releases", "newly releases"), ("newly_withholds", "newly withholds")):
        for line in found[key]:
            where = f" {' and '.join(line['where'])}" if line["where"] else ""
            _heading(f"{verb if line['shown'] else f'perhaps {verb}'} {line['clause']}{where}")
            _sentence(line["at_most"])
            if line["nearest"]:
                indented(f"beyond {line['nearest']}: {'; '.join(line['beyond'])}", 4)
            if not line["shown"]:
                indented("other clauses may together tell all of it: their places were not compared to the end", 4)
            out.print()
    lines = [
        *(shift["text"] for shift in found["terms"]),
        *(f"new party: {party}" for party in found["parties_in"]),
        *(f"no longer a party: {party}" for party in found["parties_out"]),
        *([f"validity: {found['validity']}"] if found["validity"] else []),
    ]
    for line in lines:
        indented(line, 0)


def judgements(found: dict[str, Any]) -> None:
    """Of one message: whether it leaves, and what each clause says to it."""
    _heading(found["why"])
    for clause in found["clauses"]:
        indented(f"{clause['name']}: {'; '.join(clause['reasons'])}", 2)


def decisions(found: dict[str, Any]) -> None:
    """Of a run: how often each answer was given, then decisions one by one."""
    for line in found["counts"]:
        where = f"{line['giver']} to {line['receiver']}: {line['data']}, {line['clause'] or 'no clause'}: {line['why']}"
        out.print(Text(f"{line['count']:8d}  {where}"), soft_wrap=True)
    for line in found["counted_together"]:
        text = f"{line['clause']}: {line['decisions']} decisions of its own; counted together with "
        text += f"{', '.join(line['with'])}: what one of them told is no withholding of another's"
        out.print(Text(text), soft_wrap=True)
    for line in found["decisions"]:
        thing = line["sensor"] if "sensor" in line else f"track {line['number']}"
        what = f"{line['data']} of {thing}, {line['clause'] or 'no clause'}: {line['why']}"
        out.print(Text(f"{line['time_s']:10.1f} s  {line['giver']} to {line['receiver']}: {what}"), soft_wrap=True)


def _heading(text: str, style: str = "bold") -> None:
    out.print(Text(text, style=style), soft_wrap=True)


def _sentence(text: str) -> None:
    """A clause's sentence, a line for each of its parts."""
    for part in text.split("; "):
        indented(part, 4)
