"""The page as a document: whole, self-contained, true to the saved numbers, and deaf to what scenario files try."""

import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow.parquet as pq
import pytest

from detente.records.errors import InputError
from detente.report.markup import element, embedded_json
from detente.report.page import write_report
from detente.report.sections import rerun
from detente.report.words import Scale, shown_interval


class Elements(HTMLParser):
    """Every element with its attributes, and the text of table cells that carry a metric."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(report):
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(page):
    return Elements(page).found


VOID = {"meta", "input", "br", "hr"}
KNOWN = VOID | {
    "a", "body", "button", "caption", "code", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "footer", "h1", "h2", "h3", "h4", "head", "header", "html", "label", "legend", "li", "main", "nav", "ol", "option",
    "output", "p", "path", "rect", "script", "section", "select", "small", "span", "strong", "style", "summary", "sup",
    "svg", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
}  # fmt: skip


def test_every_element_is_one_and_ends_where_it_should(page):
    """Words that stand where a tag's name should are no element."""
    open_tags = []

    class Nesting(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag in KNOWN, self.get_starttag_text()
            if tag not in VOID:
                open_tags.append(tag)

        def handle_startendtag(self, tag, attrs):
            assert tag in KNOWN, self.get_starttag_text()

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag, self.getpos()

    Nesting().feed(page)
    assert open_tags == []


def test_is_written_beside_the_tables_and_is_small(report, folder):
    assert report == folder / "report.html"
    assert 300_000 < report.stat().st_size < 2_500_000
    assert not list(folder.glob(".report-*"))


def test_the_same_tables_give_the_same_bytes(page, folder):
    assert write_report(folder).read_text(encoding="utf-8") == page


def test_refers_to_nothing_outside_itself(elements, page):
    for tag, attributes in elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "audio", "video"}
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_policy_forbids_the_network(elements):
    policy = next(a["content"] for tag, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_what_a_scenario_says_is_text(elements, page):
    scripts = [attributes for tag, attributes in elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "figures"}, {}]
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    assert "&lt;script&gt;window.injected" in page


def test_every_number_of_the_study_stands_in_a_cell(elements, study):
    cells = {
        (a["data-architecture"], a["data-side"], a["data-metric"]): float(a["data-mean"])
        for tag, a in elements
        if tag == "td" and "data-mean" in a
    }
    wanted = {
        (architecture, side, metric): cell["mean"]
        for architecture, sides in study["architectures"].items()
        for side, metrics in sides.items()
        for metric, cell in metrics.items()
        if cell is not None
    }
    assert cells == wanted
    assert len(wanted) == 6 * 3 * 17  # of 17 metrics one does not exist in this made-up study


def test_figures_are_json_without_nan(page):
    text = re.search(r'id="figures">(.*?)</script>', page, re.DOTALL).group(1)
    figures = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert figures["sides"] == ["NATO", "Russia"]
    assert len(figures["warning"]["curves"]) == 12
    assert len(figures["world"]["flights"]) == 24
    assert set(figures["defended"]["shares"]) == set(figures["architectures"])


def test_scope_and_credits_stand_at_the_foot(page):
    foot = page[page.rindex("<footer>") :]
    assert "no advice on attack" in foot
    assert "Natural Earth" in foot
    assert "GeoNames" in foot


def test_the_raid_is_told_with_whom_it_threatens(page):
    assert "Of 24.0 objects that flew in a world on average, 12.0 threaten NATO and 12.0 threaten Russia:" in page


def test_assumptions_are_marked(page):
    rows = re.findall(r"<tr class=\"assumed\">.*?</tr>", page, re.DOTALL)
    assert len(rows) == 3
    assert all('<strong class="mark">assumption</strong>' in row for row in rows)
    assert "1 × 10^−6" in rows[1]
    assert "a yearbook, p. 12" in page


def test_numbers_that_no_replicate_draws_are_told_apart(page):
    assert (
        "3 numbers are drawn in each replicate, from low to high; 1 is not drawn: the same in every replicate." in page
    )
    (row,) = re.findall(r"<tr[^>]*><td><small>site </small>western-site · stock</td>.*?</tr>", page)
    assert "<td>24</td><td>not drawn: the same in every replicate</td><td>–</td>" in row
    assert row.count("not drawn") == page.count("<td>not drawn") == 1


def test_each_sides_doctrine_is_told(page):
    (table,) = re.findall(r"<caption>When a side shoots</caption>.*?</table>", page, re.DOTALL)
    told = (
        "shoot-look-shoot: 1 interceptor at once, at most 4 at one object; the result is known after 15 s; an impact "
        "on own ground must have a probability of 0.5; 50 % of a stock is kept from what a partner alone sees"
    )
    for side in ("NATO", "Russia"):
        assert f"<td>{side}</td><td>{told}</td><td>assumption (made up; salvo 1 to 2)</td>" in table
    assert page.count("; defends 30 km around it") == 1


def test_a_folder_that_is_no_study_is_the_users_to_mend(tmp_path):
    with pytest.raises(InputError, match="about\\.json"):
        write_report(tmp_path)


def test_an_unwritable_target_is_the_users_to_mend(made, tmp_path):
    folder = made.made_folder(tmp_path / "study", replicates=3, objects=6)
    (folder / "report.html").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_report(folder)
    assert not list(folder.glob(".report-*"))


def test_markup_escapes_whatever_is_not_markup():
    made = element("p", "<b>", element("i", "a&b"), title='"x"', hidden=True, id=None)
    assert made == '<p title="&quot;x&quot;" hidden>&lt;b&gt;<i>a&amp;b</i></p>'


def test_embedded_json_cannot_end_its_element():
    text = embedded_json({"a": "</script><!--\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--\u2028"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded_json([float("nan")])


def test_a_study_of_one_world_claims_nothing(made, tmp_path):
    text = write_report(made.made_folder(tmp_path / "study", replicates=1, objects=8)).read_text(encoding="utf-8")
    start = text.index('<ul class="answers">')
    answers = text[start : text.index("</ul>", start)]
    told = answers.count("one world cannot tell from chance") + answers.count("no difference in this world")
    assert told == 2 * 4
    assert not set(re.findall(r"longer|shorter|interval|better|worse", answers))
    cells = re.findall(r'<span class="interval">(.*?)</span>', text)
    assert len(cells) == 6 * 3 * 17
    assert set(cells) == {"–"}
    assert not re.search(r'class="[^"]*\b(better|worse)\b', text)


def test_at_a_glance_the_row_alone_has_values_and_the_others_differences(page, study):
    (glance,) = re.findall(r'<table class="glance">(.*?)</table>', page, re.DOTALL)
    rows = dict(re.findall(r'<tr><th scope="row">([a-z-]+)<small>.*?</th>(.*?)</tr>', glance, re.DOTALL))
    assert list(rows) == list(study["architectures"])
    alone = [
        cell["leakage_fraction"]["mean"] for side, cell in study["architectures"]["alone"].items() if side != "all"
    ]
    base = re.findall(r'<td class="(?:first )?base">(.*?)</td>', rows["alone"])
    assert [base[2], base[5]] == [f"{100.0 * value:.1f} %" for value in alone]
    for name, row in rows.items():
        assert len(re.findall("<td", row)) == 6
        assert ("base" in row) == (name == "alone")
    better = 'class="first better">+'
    assert rows["joint"].count(better) == 2, "warned earlier, which is better, on both sides"
    assert '<small class="judged">better</small>' in rows["joint"]


def test_intervals_are_explained_where_there_are_any(page, made, tmp_path):
    said = "Intervals are shown as far as the quantity can go"
    assert said in page
    assert said not in write_report(made.made_folder(tmp_path / "one", replicates=1, objects=8)).read_text()


def test_a_side_that_nothing_threatens_still_has_its_page(made, tmp_path):
    """No curve of its own, no share of nothing, and no sentence about it that a number would have to fill."""
    folder = made.made_folder(tmp_path / "study", replicates=3, objects=8)
    table = pq.read_table(folder / "objects.parquet")
    for architecture in ("first", "all"):
        threatened = np.asarray(table["threatened"]) & (1 if architecture == "first" else 0)
        pq.write_table(
            table.set_column(table.column_names.index("threatened"), "threatened", [threatened.astype("u8")]),
            folder / "objects.parquet",
        )
        text = write_report(folder).read_text(encoding="utf-8")
        figures = json.loads(re.search(r'id="figures">(.*?)</script>', text, re.DOTALL).group(1))
        curves = {(curve["architecture"], curve["side"]): curve for curve in figures["warning"]["curves"]}
        assert (curves["joint", 1]["objects"], curves["joint", 1]["never"]) == (0, None)
        assert set(curves["joint", 1]["known"]) == {0.0}
        assert "Russia, joint: " not in text
        assert ("NATO, joint: " in text) == (architecture == "first")
        assert (figures["defended"] is None) == (architecture == "all")


def test_the_command_to_run_it_again(page):
    assert "<code>detente study made-up --replicates 50 --seed 1</code>" in page
    assert "give the path of its file instead of its name" in page


def test_the_command_is_quoted_for_a_shell(saved):
    parameters = {"asked": "my scenarios/first.yaml", "set": ["sides.NATO.title=a b", "threat_view=russia"]}
    said = rerun(replace(saved, manifest={**saved.manifest, "parameters": parameters}))
    assert shlex.split(said) == [
        "detente", "study", "my scenarios/first.yaml", "--replicates", "50", "--seed", "1",
        "--set", "sides.NATO.title=a b", "--set", "threat_view=russia",
    ]  # fmt: skip


def test_a_study_of_alone_compares_nothing(made, tmp_path):
    text = write_report(made.made_folder(tmp_path / "study", replicates=4, objects=8, names=("alone",))).read_text()
    body = text[: text.index("<footer>")]
    assert "What can each side do alone?" in body
    assert "What does cooperation buy?" not in body
    assert "alone no message leaves" in body
    assert not re.search(r"Compared with alone|baseline|unclear|same as alone|same objects|difference to alone", body)


def test_a_study_that_does_not_list_alone_still_has_its_page(made, tmp_path):
    names = ("cooperating", "joint")
    text = write_report(made.made_folder(tmp_path / "study", replicates=4, objects=8, names=names)).read_text()
    assert "no answer stands here" in text
    assert '<th scope="row">joint' in text
    assert "same objects" not in text[: text.index("<footer>")]


def test_intervals_end_where_the_quantity_does(saved):
    metrics = {metric["name"]: metric for metric in saved.metrics}
    cell = {"mean": 0.01, "low": -0.02, "high": 1.3, "n": 9}
    plain = Scale(factor=1.0, digits=2, unit="", difference_unit="")
    assert shown_interval(metrics["leakage_fraction"], cell, plain) == "0 to 1.00"
    assert shown_interval(metrics["interceptors_spent"], cell, plain) == "0 to 1.30"
    assert shown_interval(metrics["leakage_fraction"], {**cell, "n": 1}, plain) == "–"


def test_no_shown_interval_of_a_mean_is_below_nothing(page):
    cells = re.findall(r'<span class="interval">(.*?)</span>', page)
    assert len(cells) == 6 * 3 * 17
    assert not any("−" in cell for cell in cells)
