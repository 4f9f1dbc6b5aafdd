"""What a study leaves out or makes simpler than it is, and what is known of the effect. Printed in every report."""

SIMPLIFICATIONS: tuple[tuple[str, str, str], ...] = (
    (
        "flight",
        "Missiles are point masses with published or fitted stages, a pitch programme of one free angle, and no errors.",
        "Published ranges of 288, 693 and 973 km come out as 294, 703 and 942 km; fitted missiles within 3 %.",
    ),
    (
        "world",
        "Where the public range of a missile is a span, the range drawn is flown by more or less specific impulse alone.",
        "0.905 to 1.124 of the written impulse over the bundled missiles; masses, burns and so the boost's length stay.",
    ),
    (
        "world",
        "Aim points are even over the ground that the missile can reach, not over all of the territory.",
        "Farther ground is aimed at by longer-ranged types only; the defended shares speak of reachable ground.",
    ),
    (
        "world",
        "Radar waves go straight; no clutter, terrain, scheduling or saturation; errors have no bias.",
        "Refraction would show a climbing missile about 4 s earlier (assumption); the rest flatters every radar alike.",
    ),
    (
        "world",
        "Satellites see every burning missile above the clouds, with one detection probability and one error of direction.",
        "Not measured; both numbers are drawn from wide ranges.",
    ),
    (
        "tracking",
        "One hypothesis, and boost or coast is a decision: exchanged plots are not undone.",
        "1.14 tracks an object and 3 % of coasting samples off by more than 5 km, in a raid of ten with close launches.",
    ),
    (
        "tracking",
        "After burnout, tracks that satellites alone have seen are surer of themselves than they should be.",
        "Too many lie outside their 95 % region; the tracks' NEES and the share of ellipses that held say how many.",
    ),
    (
        "picture",
        "While a missile is believed to burn, its impact is all that it may yet reach; one ballistic coefficient stands for all.",
        "First warnings are early and point vaguely; once burnt out, predicted impacts err by 1 km (median, by the coefficient).",
    ),
    (
        "picture",
        "A first warning's ellipse comes from the covariance of its track, and is as sure of itself as the track is.",
        "It holds the true impact less often than it says, most where satellites' tracks are exchanged; a study counts it.",
    ),
    (
        "picture",
        "Tracks of two sides are combined by covariance intersection; by increments where the agreement tells tracklets.",
        "1.07 and 1.05 times the error of a centralised filter on the two-radar benchmark, and never overconfident there.",
    ),
    (
        "exchange",
        "A track to which a withheld owner's sensor contributed is withheld whole.",
        "More is withheld than an owner may ask for; it affects clauses that name owners only.",
    ),
    (
        "engagement",
        "An interceptor is a published speed, a reach in time and a kill probability; it flies without air, over a flattened "
        "Earth that does not turn.",
        "Flight times between tables within 2.2 s; windows shorter than 5 s may be missed.",
    ),
    (
        "engagement",
        "What falls through the air is met where it would be with the one ballistic coefficient of the picture.",
        "Meetings are planned 0.2 to 0.3 km off at a height of 25 km and 1.5 to 2.6 km off at 10 km (medians); not above the air.",
    ),
    (
        "engagement",
        "Who hit something knows it for sure after the look, nobody else ever does, and what is hit stays in view.",
        "Flatters shoot-look-shoot; partners may shoot at what is gone; there is no debris to confuse a tracker.",
    ),
    (
        "studies",
        "Deciders look at their pictures every 10 s, centres step every tick, and the own stream is shared by all six ways.",
        "A decision may come up to 10 s late; the same for every side and architecture.",
    ),
    (
        "studies",
        "The link has one delay a replicate and loses messages independently; a lost message is not sent again.",
        "The next one, ten seconds later, says as much; a live gateway would repeat it.",
    ),
)
"""(room, what, effect)."""
