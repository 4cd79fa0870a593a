//go:build race

package merge

// slowness is what the race detector costs.
const slowness = 10
