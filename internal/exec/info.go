package exec

import (
	"slices"
	"strconv"
)

// numbers reads the numbers of an OK packet's text, "Records: 3  Duplicates: 0  Warnings: 0" or "Rows matched: 3  Changed: 2  Warnings: 0".
func numbers(info []byte) []int64 {
	var out []int64
	in := false
	for _, c := range info {
		if c < '0' || c > '9' {
			in = false
			continue
		}
		if !in {
			out, in = append(out, 0), true
		}
		out[len(out)-1] = out[len(out)-1]*10 + int64(c-'0')
	}
	return out
}

func added(a, b []int64) []int64 {
	if a == nil {
		return b
	}
	for i := range min(len(a), len(b)) {
		a[i] += b[i]
	}
	return a
}

// recount is the text with its numbers replaced, in order.
func recount(info []byte, values []int64) []byte {
	var out []byte
	for i := 0; i < len(info); i++ {
		if c := info[i]; c < '0' || c > '9' {
			out = append(out, c)
			continue
		}
		for i+1 < len(info) && info[i+1] >= '0' && info[i+1] <= '9' {
			i++
		}
		if len(values) > 0 {
			out = strconv.AppendInt(out, values[0], 10)
			values = values[1:]
		}
	}
	return out
}

// erConstraintFailed is the number of what IGNORE says of a row that a CHECK refuses.
const erConstraintFailed = "4025"

// records is how many rows of a job MariaDB counts: all but those that IGNORE leaves out for a CHECK.
func (j *job) records() int64 {
	if n := numbers(j.res.info); len(n) > 1 {
		return n[0]
	}
	if j.res.ok.AffectedRows == 0 && slices.ContainsFunc(j.res.notes, func(n Note) bool { return n.Code == erConstraintFailed }) {
		return 0
	}
	return 1
}

// duplicates is how many rows of a job met a row with an equal key, as MariaDB counts them.
func (j *job) duplicates(replace, ignores bool) int64 {
	if n := numbers(j.res.info); len(n) > 1 {
		return n[1]
	}
	// One row, for which MariaDB prints nothing: 2 affected rows mean that it updated another, more that it replaced some, 0 that it was ignored or
	// updated another that was so already. IGNORE counts rows that left nothing, the others what they found and changed.
	switch n := int64(j.res.ok.AffectedRows); {
	case ignores && n == 0:
		return j.records()
	case ignores || n == 0:
		return 0
	case replace:
		return n - 1
	default:
		return min(n-1, 1)
	}
}
