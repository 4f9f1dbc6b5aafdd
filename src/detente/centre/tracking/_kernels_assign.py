"""Which detection of a scan belongs to which track: the cheapest set of pairs, solved cluster by cluster.

A pair's cost is d² + ln det S, the negative log-likelihood up to a constant, so that a vague track does not take a
plot from a sharp one. Leaving a track without a detection costs more than any pair inside the gate. Tracks and
detections that share no candidate fall into separate clusters (union-find); a cluster of one track or one detection
is settled by inspection, a larger one by shortest augmenting paths (Jonker and Volgenant 1987).
"""

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
def find_clusters(tracks, detections, pairs, pair_track, pair_detection, parent):
    """Join the tracks and detections of every pair; detection d is node ``tracks + d``."""
    for node in range(tracks + detections):
        parent[node] = node
    for k in range(pairs):
        a, b = root(parent, pair_track[k]), root(parent, tracks + pair_detection[k])
        if a != b:
            # The lower node leads, so that the result does not depend on the order of pairs.
            parent[max(a, b)] = min(a, b)


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
def settle_large(first, pairs, label, members, pair_track, pair_detection, pair_cost, miss_cost, chosen, local, work):
    """Solve one cluster of several tracks and detections; ``local`` (4, n) and ``work`` are scratch."""
    cost, row_price, column_price, reach, came_from, taken_by, given, done = work
    rows = columns = 0
    track_at, detection_at, tracks_here, detections_here = local[0], local[1], local[2], local[3]
    for k in range(first, pairs):
        if members[k] != label:
            continue
        if track_at[pair_track[k]] < 0:
            track_at[pair_track[k]] = rows
            tracks_here[rows] = pair_track[k]
            rows += 1
        if detection_at[pair_detection[k]] < 0:
            detection_at[pair_detection[k]] = columns
            detections_here[columns] = pair_detection[k]
            columns += 1
    for i in range(rows):
        for j in range(columns + rows):
            cost[i, j] = FORBIDDEN
        cost[i, columns + i] = miss_cost
    for k in range(first, pairs):
        if members[k] == label:
            cost[track_at[pair_track[k]], detection_at[pair_detection[k]]] = pair_cost[k]
    shortest_paths(cost, rows, columns + rows, taken_by, given, row_price, column_price, reach, came_from, done)
    for j in range(columns):
        if taken_by[j] >= 0:
            chosen[tracks_here[taken_by[j]]] = detections_here[j]
    for i in range(rows):
        track_at[tracks_here[i]] = -1
    for j in range(columns):
        detection_at[detections_here[j]] = -1


@kernel
def assign(tracks, detections, pairs, pair_track, pair_detection, pair_cost, miss_cost, chosen, nodes, local, work):
    """Fill ``chosen[track]`` with its detection or -1. ``local`` must hold -1 in its first two rows, and does after."""
    parent, members, many = nodes[0], nodes[1], nodes[2]
    for t in range(tracks):
        chosen[t] = -1
    if pairs == 0:
        return
    find_clusters(tracks, detections, pairs, pair_track, pair_detection, parent)
    for node in range(tracks + detections):
        many[node] = 0
    for k in range(pairs):
        members[k] = root(parent, pair_track[k])
        many[members[k]] += 1
    for k in range(pairs):
        label = members[k]
        if many[label] == 1:
            chosen[pair_track[k]] = pair_detection[k]
        elif many[label] > 1:
            settle_large(
                k, pairs, label, members, pair_track, pair_detection, pair_cost, miss_cost, chosen, local, work
            )
            many[label] = 0
