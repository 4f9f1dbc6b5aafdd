"""Which detection of a scan belongs to which track: the cheapest set of pairs, solved cluster by cluster.

Leaving a track without a detection costs ``miss_cost``, no less than any pair inside the gate. Tracks and detections
that share no candidate fall into separate clusters (union-find); a cluster of one track or one detection is settled by
inspection, a larger one by shortest augmenting paths (Jonker and Volgenant 1987). A cluster larger than the scratch
allows, as a flood of false plots makes, is settled cheapest pair first, and counted: time and memory stay bounded.
"""

import numpy as np

from detente.jit import kernel

FORBIDDEN = 1e12


@kernel
def root(parent, a):
    """The representative of ``a``; the path to it is halved on the way."""
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = parent[a]
    return a


@kernel
def find_clusters(tracks, pairs, pair_track, pair_detection, parent):
    """Join the tracks and detections of every pair; detection d is node ``tracks + d``."""
    for k in range(pairs):
        a, b = root(parent, pair_track[k]), root(parent, tracks + pair_detection[k])
        if a != b:
            # The lower node leads, so that the result does not depend on the order of pairs.
            parent[max(a, b)] = min(a, b)


@kernel
def gather(pairs, pair_track, parent, many, ends, grouped):
    """Fill ``grouped`` with the pairs cluster by cluster, and ``ends[root]`` with where each cluster's pairs end."""
    for k in range(pairs):
        many[root(parent, pair_track[k])] += 1
    total = 0
    for k in range(pairs):
        label = root(parent, pair_track[k])
        if many[label] > 0:
            ends[label] = total
            total += many[label]
            many[label] = 0
    for k in range(pairs):
        label = root(parent, pair_track[k])
        grouped[ends[label]] = k
        ends[label] += 1


@kernel
def shortest_paths(cost, rows, columns, taken_by, given, row_price, column_price, reach, came_from, done):
    """Assign every row a column at least total cost; rows ≤ columns.

    ``taken_by[column]`` becomes its row or -1, ``given[row]`` its column.
    """
    for j in range(columns):
        taken_by[j] = -1
        column_price[j] = 0.0
    for i in range(rows):
        row_price[i] = 0.0
        given[i] = -1
    for start in range(rows):
        for j in range(columns):
            reach[j] = 4.0 * FORBIDDEN
            done[j] = 0
        row, length, last = start, 0.0, -1
        while last < 0:
            nearest, best = -1, 8.0 * FORBIDDEN
            for j in range(columns):
                if done[j]:
                    continue
                through = length + cost[row, j] - row_price[row] - column_price[j]
                if through < reach[j]:
                    reach[j] = through
                    came_from[j] = row
                if reach[j] < best:
                    nearest, best = j, reach[j]
            length = best
            done[nearest] = 1
            if taken_by[nearest] < 0:
                last = nearest
            else:
                row = taken_by[nearest]
        for j in range(columns):
            if done[j] and j != last:
                row_price[taken_by[j]] += length - reach[j]
                column_price[j] -= length - reach[j]
        row_price[start] += length
        # Give each row on the path to ``last`` the column it was reached from, back to ``start``.
        column = last
        while column >= 0:
            row = came_from[column]
            taken_by[column] = row
            column, given[row] = given[row], column


@kernel
def settle_small(members, pair_track, pair_detection, pair_cost, chosen):
    """A cluster of one track or one detection: its cheapest pair, the first of equals."""
    best = members[0]
    for k in members:
        if pair_cost[k] < pair_cost[best]:
            best = k
    chosen[pair_track[best]] = pair_detection[best]


@kernel
def settle_hurriedly(members, tracks, pair_track, pair_detection, pair_cost, chosen, place):
    """A cluster too large for more: cheapest pair first. ``place`` of its nodes becomes -2 where taken."""
    costs = np.empty(members.size)
    for n in range(members.size):
        costs[n] = pair_cost[members[n]]
    for n in np.argsort(costs, kind="mergesort"):
        k = members[n]
        if place[pair_track[k]] != -2 and place[tracks + pair_detection[k]] != -2:
            place[pair_track[k]] = place[tracks + pair_detection[k]] = -2
            chosen[pair_track[k]] = pair_detection[k]


@kernel
def settle(members, tracks, pair_track, pair_detection, pair_cost, miss_cost, chosen, place, work):
    """Settle one cluster, whose pairs are ``members``; false where it was too large to be settled at least cost."""
    cost, row_price, column_price, reach, came_from, taken_by, given, done, tracks_here, detections_here = work
    rows = columns = 0
    for k in members:
        if place[pair_track[k]] == -1:
            place[pair_track[k]] = rows
            rows += 1
        if place[tracks + pair_detection[k]] == -1:
            place[tracks + pair_detection[k]] = columns
            columns += 1
    if rows == 1 or columns == 1:
        settle_small(members, pair_track, pair_detection, pair_cost, chosen)
        return True
    if rows > cost.shape[0] or rows + columns > cost.shape[1]:
        settle_hurriedly(members, tracks, pair_track, pair_detection, pair_cost, chosen, place)
        return False
    for i in range(rows):
        for j in range(columns + rows):
            cost[i, j] = FORBIDDEN
        cost[i, columns + i] = miss_cost
    for k in members:
        i, j = place[pair_track[k]], place[tracks + pair_detection[k]]
        tracks_here[i], detections_here[j] = pair_track[k], pair_detection[k]
        cost[i, j] = pair_cost[k]
    shortest_paths(cost, rows, columns + rows, taken_by, given, row_price, column_price, reach, came_from, done)
    for j in range(columns):
        if taken_by[j] >= 0:
            chosen[tracks_here[taken_by[j]]] = detections_here[j]
    return True


@kernel
def assign(tracks, detections, pairs, pair_track, pair_detection, pair_cost, miss_cost, chosen, nodes, grouped, work):
    """Fill ``chosen[track]`` with its detection or -1; returns how many clusters were too large for the least cost.

    ``nodes`` (4, tracks + detections), ``grouped`` (pairs) and ``work`` are scratch.
    """
    parent, many, ends, place = nodes[0], nodes[1], nodes[2], nodes[3]
    for t in range(tracks):
        chosen[t] = -1
    if pairs == 0:
        return 0
    for node in range(tracks + detections):
        parent[node], many[node], place[node] = node, 0, -1
    find_clusters(tracks, pairs, pair_track, pair_detection, parent)
    gather(pairs, pair_track, parent, many, ends, grouped)
    first = hurried = 0
    while first < pairs:
        last = ends[root(parent, pair_track[grouped[first]])]
        if last == first + 1:
            chosen[pair_track[grouped[first]]] = pair_detection[grouped[first]]
        elif not settle(
            grouped[first:last], tracks, pair_track, pair_detection, pair_cost, miss_cost, chosen, place, work
        ):
            hurried += 1
        first = last
    return hurried
