package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for _, x := range []struct {
		name    string
		reports map[uint32]string
		want    string
	}{
		{"nobody says anything", nil, ""},
		{"a node that has just begun", map[uint32]string{1: `{}`}, ""},
		{"a leaf that nobody has asked yet has no verdict", map[uint32]string{1: `{"a":{}}`, 2: `{"a":{}}`}, "a up"},
		{"one node alone decides", map[uint32]string{1: `{"a":{"down":true,"why":"refused"},"b":{}}`}, "a down: refused, b up"},
		{"half of the nodes are not most of them", map[uint32]string{1: `{"a":{"down":true,"why":"silent"}}`, 2: `{"a":{}}`}, "a up"},
		{"two of three are", map[uint32]string{1: `{"a":{"down":true,"why":"silent"}}`, 2: `{"a":{}}`, 3: `{"a":{"down":true,"why":"refused"}}`}, "a down: silent"},
		{"who has not asked does not count", map[uint32]string{1: `{"a":{"down":true,"why":"silent"}}`, 2: `{}`, 3: `{"b":{}}`}, "a down: silent, b up"},
		{"a reason is given by who has one", map[uint32]string{1: `{"a":{"down":true}}`, 2: `{"a":{"down":true,"why":"read only"}}`}, "a down: read only"},
	} {
		t.Run(x.name, func(t *testing.T) {
			reports := map[uint32][]byte{}
			for id, doc := range x.reports {
				reports[id] = []byte(doc)
			}
			said, err := verdicts(reports)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, leaf := range slices.Sorted(maps.Keys(said)) {
				if v := said[leaf]; v.down {
					out = append(out, fmt.Sprintf("%s down: %s", leaf, v.why))
				} else {
					out = append(out, leaf+" up")
				}
			}
			if got := strings.Join(out, ", "); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
	if _, err := verdicts(map[uint32][]byte{7: []byte("{")}); err == nil || !strings.Contains(err.Error(), "node 7") {
		t.Errorf("a report that can't be read: %v", err)
	}
}
