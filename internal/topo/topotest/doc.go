// Package topotest reads a real table as the catalog does, for tests of what decides where rows are. Tested by its users.
package topotest
