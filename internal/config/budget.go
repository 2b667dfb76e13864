package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// LimitUse sets what the sources of a limit want against what it allows.
type LimitUse struct {
	// Path is the place of the limit, such as rate_limits[0]; of one in an
	// included file with the file, such as conf.d/shop.yaml: rate_limits[0].
	Path string
	// Name is that of a shared limit; of a source's own limit, the source's.
	Name string
	// Sources counts the enabled sources of the limit.
	Sources int
	// Polls are those a day that their schedules make on their busiest days.
	Polls float64
	// Least is what these take of the budget with one page each, Wanted with as
	// many pages as they may have; retries, redirects and details are not counted.
	// Allowed is what the limit lets through without its reserve.
	Least, Wanted, Allowed float64
	// Cost and Pages are the most of any source.
	Cost, Pages int
	// Details says that some source fetches details too, nobody knows how many.
	Details bool
	Rate    Rate
}

// Fits says whether the limit allows what is wanted.
func (u LimitUse) Fits() bool { return u.Wanted <= u.Allowed }

// want adds a source with so many polls a day.
func (u *LimitUse) want(polls float64, cost, pages int) {
	u.Sources++
	u.Polls += polls
	u.Least += polls * float64(cost)
	u.Wanted += polls * float64(cost) * float64(pages)
	u.Cost, u.Pages = max(u.Cost, cost), max(u.Pages, pages)
}

// String gives the arithmetic in one line and, if it does not fit, the ways out.
func (u LimitUse) String() string { return u.Path + " " + u.text() }

// text is the line without the place.
func (u LimitUse) text() string {
	sources := "sources want"
	if u.Sources == 1 {
		sources = "source wants"
	}
	reserve := ""
	if n := u.Rate.Reserve.Of(u.Rate.Requests); n > 0 {
		reserve = fmt.Sprintf(" less a reserve of %s", thousands(float64(n)))
	}
	details := ""
	if u.Details {
		details = ", besides its details"
	}
	text := fmt.Sprintf("%s: %d %s %s requests a day%s%s, %s per %s%s allow %s: %s %%",
		u.Name, u.Sources, sources, thousands(u.Wanted), u.breakdown(), details,
		thousands(float64(u.Rate.Requests)), u.Rate.Per, reserve, thousands(u.Allowed), percent(100*u.Wanted/u.Allowed))
	if u.Fits() {
		return text
	}
	return text + ". " + u.waysOut()
}

// breakdown says how polls become requests, where a poll is not one of them.
func (u LimitUse) breakdown() string {
	var factors []string
	if u.Pages > 1 {
		factors = append(factors, fmt.Sprintf("up to %d pages", u.Pages))
	}
	if u.Cost > 1 {
		factors = append(factors, fmt.Sprintf("a cost of up to %d", u.Cost))
	}
	if len(factors) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s polls, each of %s)", thousands(u.Polls), strings.Join(factors, " at "))
}

// waysOut says what can be done about a limit that is too tight.
func (u LimitUse) waysOut() string {
	factor := math.Ceil(10*u.Wanted/u.Allowed) / 10
	ways := []string{fmt.Sprintf("poll %s times less often", strconv.FormatFloat(factor, 'f', -1, 64))}
	if u.Pages > 1 {
		ways = append(ways, "ask for larger pages or lower pagination.max_pages")
	}
	ways = append(ways, "share the limit among fewer sources")
	if u.Rate.Reserve.Of(u.Rate.Requests) > 0 {
		ways = append(ways, "reserve less")
	}
	verdict := "It does not fit, so polls will be late or skipped: "
	if u.Least <= u.Allowed {
		verdict = "With all of those pages it does not fit, and polls will be late or skipped then: "
	}
	return verdict + strings.Join(ways, ", ") + ", or raise it if the API allows more"
}

// Budget sets each limit against the schedules of its enabled sources. It looks
// at the year from now on, by days, and never at single runs.
func (c *Config) Budget(now time.Time) []LimitUse {
	uses := make([]LimitUse, 0, len(c.RateLimits))
	shared := make(map[string]int, len(c.RateLimits))
	for i, l := range c.RateLimits {
		shared[l.Name] = i
		uses = append(uses, newLimitUse(c.origin("rate_limits", i).at(""), l.Name, l.Rate))
	}
	count := runCounter{from: now, known: make(map[scheduleSpan]float64)}
	for i := range c.Sources {
		s := &c.Sources[i]
		at, isShared := shared[s.RateLimit.Name]
		switch {
		case !s.Enabled:
			continue
		case s.RateLimit.Inline != nil:
			at = len(uses)
			uses = append(uses, newLimitUse(c.origin("sources", i).at("rate_limit"), s.Name, *s.RateLimit.Inline))
		case !isShared:
			continue
		}
		u := &uses[at]
		u.Details = u.Details || s.Detail != nil
		u.want(count.perDay(scheduleSpan{s.Schedule, u.span()}), max(1, s.Cost), s.Pagination.Most())
	}
	return uses
}

func newLimitUse(path, name string, r Rate) LimitUse {
	perDay := float64(r.Usable()) * float64(day) / float64(r.Per)
	return LimitUse{Path: path, Name: name, Rate: r, Allowed: perDay}
}

// span is how many days are looked at together: a budget for a month may be
// used up in one day.
func (u LimitUse) span() int {
	return max(1, int((time.Duration(u.Rate.Per)+day-1)/day))
}

type scheduleSpan struct {
	schedule string
	days     int
}

// runCounter counts the runs of each schedule once: many sources share one.
type runCounter struct {
	from  time.Time
	known map[scheduleSpan]float64
}

func (c runCounter) perDay(s scheduleSpan) float64 {
	n, ok := c.known[s]
	if ok {
		return n
	}
	if parsed := parseSchedule(s.schedule); parsed.err == nil {
		n = runsADay(parsed.plan, c.from, s.days)
	}
	c.known[s] = n
	return n
}

// thousands writes a number as 1,234,567, rounded.
func thousands(n float64) string {
	digits := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percent writes a share with one digit behind the point where that tells something.
func percent(n float64) string {
	if n >= 100 {
		return thousands(n)
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64)
}
