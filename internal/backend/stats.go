package backend

import "time"

// LeafStats counts what the pools of one leaf do.
type LeafStats struct {
	Leaf      string
	Open      int    // connections open now
	InUse     int    // of these lent
	Idle      int    // of these unused
	Pipes     int    // of these serving pipelines
	Waiting   int    // callers that wait for one
	Opened    uint64 // connections ever opened
	Failed    uint64 // dials that failed
	Lost      uint64 // connections that broke
	Resets    uint64 // COM_RESET_CONNECTION sent
	Retargets uint64 // connections that changed their database or state
	Commands  uint64 // commands answered
	// RoundTrip is a moving average of the time from a command's write to its answer's first byte, sampled.
	RoundTrip time.Duration
}
