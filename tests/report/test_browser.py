"""The page in a real browser, from file://, with the network off."""

import pytest

HEADINGS = [
    "What does cooperation buy?", "Study table", "A closer look", "Warning and defence", "Maps",
    "What travelled between the sides", "What it rests on", "Run it again",
]  # fmt: skip


def test_asks_for_nothing_and_complains_of_nothing(seen):
    assert seen.requests == [seen.uri]
    assert seen.said == []


def test_says_what_it_should_in_order(seen):
    assert seen.tab.locator("h2").all_inner_texts() == HEADINGS


def test_a_title_that_is_markup_stays_words(seen):
    assert seen.tab.evaluate("window.injected") is None
    assert seen.tab.locator("h1").inner_text().startswith("</title></script><script>")
    assert seen.tab.locator("img").count() == 0


@pytest.mark.parametrize(
    ("place", "least"),
    [("#figure-sensors path", 12), ("#figure-world .flight", 24), ("#figure-world .ellipse", 10),
     ("#figure-defended svg.map", 6), ("#figure-defended .hexagon", 60), ("#figure-warning svg", 12),
     ("#figure-shares svg", 4), ("#figure-profile path", 24)],
)  # fmt: skip
def test_figures_are_drawn(seen, place, least):
    assert seen.tab.locator(place).count() >= least


def test_tabs_show_one_side_at_a_time(seen):
    tab = seen.tab
    shown = [tab.locator(f".panel-{index}").is_visible() for index in range(3)]
    tab.locator("label[for=tab-1]").click()
    assert shown == [True, False, False]
    assert [tab.locator(f".panel-{index}").is_visible() for index in range(3)] == [False, True, False]


def test_another_architecture_shows_other_warnings(seen):
    tab = seen.tab
    tab.locator("#world-architecture").select_option("alone")
    alone = tab.locator("#figure-world .ellipse[stroke-dasharray]").count()
    tab.locator("#world-architecture").select_option("cooperating")
    assert alone == 0
    assert tab.locator("#figure-world .ellipse[stroke-dasharray]").count() >= 10


def test_assumptions_can_be_searched(seen):
    tab = seen.tab
    tab.locator("summary", has_text="with their sources").click()
    tab.locator("#assumption-filter").fill("eastern yearbook")
    assert tab.locator("#assumption-rows tr:visible").count() == 1
    assert tab.locator("#assumption-count").inner_text() == "1 of 4"


def test_reads_without_scripts_and_on_a_narrow_screen(seen):
    context = seen.browser.new_context(offline=True, java_script_enabled=False, viewport={"width": 390, "height": 800})
    tab = context.new_page()
    tab.goto(seen.uri)
    assert tab.locator(".answers li").count() == 2
    assert tab.locator(".panel-0 td .mean").count() == 6 * 17
    assert tab.locator("#world-architecture").is_hidden()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_paper_shows_every_table(seen):
    tab = seen.tab
    tab.emulate_media(media="print")
    shown = [tab.locator(f".panel-{index}").is_visible() for index in range(3)]
    tab.emulate_media(media="screen")
    assert shown == [True, True, True]
