package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// verdict is what the nodes together say of one leaf.
type verdict struct {
	down bool
	why  string // of one that is down, as one of the nodes tells it
}

// verdicts weighs what the nodes report: a leaf is down when more than half of those that say something of it call it so. A leaf that nobody has said
// anything of yet has no verdict: it is neither up nor down. Pure.
func verdicts(reports map[uint32][]byte) (map[string]verdict, error) {
	told, against := map[string]int{}, map[string]int{}
	why := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(reports)) {
		var seen map[string]observation
		if err := json.Unmarshal(reports[id], &seen); err != nil {
			return nil, fmt.Errorf("node %d's report on leaves: %w", id, err)
		}
		for leaf, o := range seen {
			told[leaf]++
			if !o.Down {
				continue
			}
			against[leaf]++
			if why[leaf] == "" {
				why[leaf] = o.Why
			}
		}
	}
	out := map[string]verdict{}
	for leaf, n := range told {
		if 2*against[leaf] > n {
			out[leaf] = verdict{down: true, why: why[leaf]}
		} else {
			out[leaf] = verdict{}
		}
	}
	return out, nil
}
