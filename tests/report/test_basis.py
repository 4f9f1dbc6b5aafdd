"""What a study rests on, as the page says it."""

from dataclasses import replace

from detente.report.basis import basis


def test_what_the_scenario_allows_but_is_worth_knowing_stands_on_the_page(saved):
    """A page that is forwarded must say that a sensor was flown which did not stand; a clean one says nothing."""
    assert "Caution" not in basis(saved)
    told = "sensor gabala: in service from 1985-02-01 to 2012-12-10, but the scenario's epoch is 2022-06-01"
    page = basis(replace(saved, about={**saved.about, "cautions": [told, "<b>bold</b>"]}))
    assert "Caution: sensor gabala: in service from 1985-02-01 to 2012-12-10" in page
    assert "Caution: &lt;b&gt;bold" in page
