package notify

// Configured returns which endpoints there are, whether they are served here or by
// another dispatcher, and of each whether its configuration lets it be told.
func (d *Dispatcher) Configured() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[string]bool, len(d.endpoints))
	for name, e := range d.endpoints {
		all[name] = e.Enabled
	}
	return all
}
