package notify

import "time"

// uncountedWait is how long a delivery waits after an attempt that counts
// neither against its schedule nor against the endpoint: it could not be signed
// or has no way to go, which ends when the configuration is repaired, or was
// refused as a probe.
const uncountedWait = time.Minute

// conclude turns an attempt that was made into its outcome. The random number
// is in [0, 1) and spreads the wait for the next attempt.
func conclude(p *pending, a Attempt, v Verdict, policy RetryPolicy, now time.Time, random float64) Outcome {
	o := Outcome{Delivery: p.id, Attempt: a, State: Waiting, Attempts: p.attempts, NotBefore: now}
	switch v.Action {
	case Deliver:
		o.State = Delivered
	case Bury:
		o.State = Dead
	case Retry:
		if !v.Counts || v.Probe {
			// Where the endpoint as a whole waits, the delivery is due with it.
			if v.Pause == 0 && !v.Away {
				o.NotBefore = now.Add(uncountedWait)
			}
			break
		}
		o.Attempts++
		wait, again := policy.Wait(o.Attempts, random)
		if !again {
			o.State = Dead
			break
		}
		o.NotBefore = now.Add(wait)
	case Disable, Drop:
		// The delivery waits until the endpoint is enabled; a dropped attempt
		// has no outcome at all.
	}
	return o
}
