//go:build !race

package merge

const slowness = 1
