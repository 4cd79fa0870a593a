package topo

import "slices"

// Hold keeps commits over several places waiting for a moment: those that have a place among Parts, or all of them.
type Hold struct {
	ID  string `json:"id"`
	All bool   `json:"all,omitempty"`
	// Stop: no statement is to write anything, at all; Ends: nor is what was written before to be committed. Of commits over several places by themselves they say nothing.
	Stop  bool          `json:"stop,omitempty"`
	Ends  bool          `json:"ends,omitempty"`
	Parts []PartitionID `json:"parts,omitempty"`
}

// Concerns says whether a commit at these places has to wait. What is no partition is named by the zero value.
func (h *Hold) Concerns(places []PartitionID) bool {
	return h.All || slices.ContainsFunc(places, func(p PartitionID) bool { return slices.Contains(h.Parts, p) })
}

// Overlaps says whether there may be a commit that has to wait for both.
func (h *Hold) Overlaps(o *Hold) bool {
	return !h.Stop && !o.Stop && (h.All || o.All || h.Concerns(o.Parts))
}
