package bridge

import "time"

// SourceStatus is how a source stands.
type SourceStatus struct {
	// Version counts its snapshots, Sequence its changes; ChangedAt is when the
	// last snapshot was taken.
	Version, Sequence int64
	ChangedAt         time.Time
	// Failures counts the polls in a row that failed, since FailingSince; Reason
	// is why the last one did.
	Failures     int
	FailingSince time.Time
	Reason       string
}

// SourceStatus returns how a source stands; false where there is no such source.
// It does not wait for an answer that is being judged or committed.
func (b *Bridge) SourceStatus(source string) (SourceStatus, bool) {
	st := b.roster.Load().states[source]
	if st == nil {
		return SourceStatus{}, false
	}
	if status := st.status.Load(); status != nil {
		return *status, true
	}
	return SourceStatus{}, true
}

// publish lets others see how the source stands now. The caller holds st.mu.
func (st *state) publish() {
	now := SourceStatus{
		Version: st.row.Version, Sequence: st.row.Sequence, ChangedAt: st.row.ChangedAt,
		Failures: st.failures, FailingSince: st.failingSince, Reason: st.reason,
	}
	if before := st.status.Load(); before == nil || *before != now {
		kept := now // the address of now would cost each unchanged answer an allocation
		st.status.Store(&kept)
	}
}
