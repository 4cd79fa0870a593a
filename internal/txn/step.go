package txn

// The steps of an atomic commit, in their order. Faults at every one of them are tested by way of SetStep.
const (
	StepBegin             = "begin"              // commits are let in everywhere; nothing was sent
	StepWrite             = "write"              // the row is about to be written at the deciding partition; not where the catalog decides
	StepPrepare           = "prepare"            // a branch is about to be prepared; once for each
	StepPreparing         = "preparing"          // all that was sent, nothing was read
	StepPrepared          = "prepared"           // all have answered
	StepPreparesConfirmed = "prepares confirmed" // replicas have them, where the database promises that
	StepDecide            = "decide"             // the deciding COMMIT is about to be sent, or the catalog to be asked
	StepDeciding          = "deciding"           // COMMIT was sent, nothing was read; not where the catalog decides
	StepDecided           = "decided"            // it was answered
	StepDecisionConfirmed = "decision confirmed" // replicas have it, where the database promises that; not where the catalog decides
	StepCommit            = "commit"             // a branch is about to be committed; once for each
	StepCommitting        = "committing"         // all that was sent, nothing was read
	StepCommitted         = "committed"          // all have answered, or failed to
	StepConfirmed         = "confirmed"          // replicas have the branches' commits, where the database promises that
)

// Steps are the names of the steps.
func Steps() []string {
	return []string{StepBegin, StepWrite, StepPrepare, StepPreparing, StepPrepared, StepPreparesConfirmed, StepDecide, StepDeciding, StepDecided,
		StepDecisionConfirmed, StepCommit, StepCommitting, StepCommitted, StepConfirmed}
}

// SetStep is for tests: f is called at each step of an atomic commit. When it returns an error all connections of the transaction are broken off
// at that point, and the session goes on with what it has. To be called before the session is used.
func (s *Session) SetStep(f func(step string) error) { s.step = f }

// at is a step.
func (s *Session) at(step string) {
	if s.step == nil || s.step(step) == nil {
		return
	}
	for _, h := range s.held {
		if h.inTx {
			h.conn.Discard()
		}
	}
}
