package notify

import "sync"

// mailbox is how others reach the worker of an endpoint without waiting for it.
type mailbox struct {
	// kick has one token when something has come in.
	kick chan struct{}

	mu     sync.Mutex
	in     mail
	gone   bool
	left   bool
	status EndpointStatus
}

// mail is what has come in since it was last taken.
type mail struct {
	// endpoint is the newest configuration; nil where it stays.
	endpoint *Endpoint
	// woken says that there are new deliveries.
	woken bool
	asked []func()
}

func newMailbox() *mailbox { return &mailbox{kick: make(chan struct{}, 1)} }

func (m *mailbox) put(change func()) {
	m.mu.Lock()
	change()
	m.mu.Unlock()
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

func (m *mailbox) wake()         { m.put(func() { m.in.woken = true }) }
func (m *mailbox) ask(do func()) { m.put(func() { m.in.asked = append(m.in.asked, do) }) }
func (m *mailbox) remove()       { m.put(func() { m.gone = true }) }
func (m *mailbox) release()      { m.put(func() { m.left = true }) }
func (m *mailbox) configure(e *Endpoint) {
	m.put(func() { m.in.endpoint, m.gone = e, false })
}

// take empties the mailbox.
func (m *mailbox) take() mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.in
	m.in = mail{}
	return in
}

// removed reports whether the endpoint is no longer configured.
func (m *mailbox) removed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gone
}

// released reports whether the endpoint is no longer served here. Nothing calls
// it back.
func (m *mailbox) released() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left
}

func (m *mailbox) publish(status EndpointStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

func (m *mailbox) published() EndpointStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}
