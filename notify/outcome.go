package notify

import "time"

// noSecretWait is how long a delivery waits that could not be signed. It ends
// when the configuration is repaired, so there is nothing to back off from.
const noSecretWait = time.Minute

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
		if !v.Counts {
			o.NotBefore = now.Add(noSecretWait)
			if v.Pause > 0 {
				o.NotBefore = now.Add(v.Pause)
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
