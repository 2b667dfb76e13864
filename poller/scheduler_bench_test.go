//go:build unix

package poller

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process has used of the processors.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScheduler fires 10,000 sources a thousand times a second, evenly
// spaced, with a poll that does nothing. One operation is a thousand fires.
func BenchmarkScheduler(b *testing.B) {
	for _, limited := range []bool{false, true} {
		name := map[bool]string{false: "no limit", true: "with a limit"}[limited]
		b.Run(name, func(b *testing.B) {
			var fired atomic.Int64
			thousand := make(chan struct{}, 1)
			l := mustStartLimiter(b, newMemoryBudgets(), Limit{Name: "api", Requests: 1_000_000, Per: time.Hour, Burst: 1_000_000})
			s := NewScheduler(SchedulerOptions{Limiter: l, Runs: newMemoryRuns(), Poll: func(context.Context, *Source, int) Outcome {
				if fired.Add(1)%1000 == 0 {
					thousand <- struct{}{}
				}
				return Outcome{}
			}})
			sources := make([]*Source, 10_000)
			for i := range sources {
				sources[i] = source(b, fmt.Sprint("source-", i), "@every 10s")
				if limited {
					sources[i].Limit = "api"
				}
			}
			s.Apply(sources)
			if err := s.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			for range 10 { // The first runs.
				<-thousand
			}
			before := cpuTime(b)
			n := 0
			for b.Loop() {
				<-thousand
				n++
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1000/float64(n)*10, "cpu-ms/10k-fires")
			if err := s.Stop(context.WithoutCancel(b.Context())); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkCronNext(b *testing.B) {
	for _, spec := range []string{"*/5 * * * *", "30 2 * * *", "@every 30s"} {
		b.Run(spec, func(b *testing.B) {
			s := mustSchedule(b, spec, mustLocation(b, "Europe/Berlin"), "a")
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				at = s.Next(at)
			}
		})
	}
}
