package notify

// Report is what came of an attempt, for those who keep account.
type Report struct {
	Endpoint string
	// Attempt is the POST. Posted says that there was one: deliveries may end
	// without.
	Attempt Attempt
	Posted  bool
	// Delivered, Dead and Superseded count the deliveries that ended.
	Delivered, Dead, Superseded int
}

// ended counts a delivery by where it stands.
func (r *Report) ended(s State) {
	switch s {
	case Delivered:
		r.Delivered++
	case Dead:
		r.Dead++
	case Superseded:
		r.Superseded++
	case Waiting:
		// It has not ended.
	}
}
