package config

import (
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"
)

// Source is a thing that is polled. After [Load] it stands complete: defaults
// are merged in, and every key has its value.
type Source struct {
	Name     string `yaml:"name" required:"true" is:"name" example:"go-releases" doc:"What the source is called. Its state follows the name." aka:"id"`
	Formerly string `yaml:"formerly" is:"name" example:"go-tags" doc:"The name that the source had before: its state is taken over when the daemon first sees the new one." aka:"renamed_from|previous_name|old_name|was"`
	Settings
}

// Settings are all keys of a source but its names.
type Settings struct {
	Enabled  bool     `yaml:"enabled" default:"true" doc:"Whether the source is polled."`
	Schedule string   `yaml:"schedule" required:"true" example:"\"*/5 * * * *\"" doc:"When it is polled: cron with 5 fields, or 6 with seconds first, @hourly, @daily, @weekly, @monthly, @yearly, or @every 30s." aka:"cron|interval|every|frequency|poll_interval"`
	Timezone string   `yaml:"timezone" example:"Europe/Berlin" doc:"The time zone of schedule; without one, the system's." aka:"tz|time_zone|location"`
	Jitter   Duration `yaml:"jitter" default:"0s" doc:"Each run comes up to this much later, at random. It must be shorter than the time between runs."`
	OnMissed string   `yaml:"on_missed" default:"run_once" enum:"run_once|skip" doc:"What becomes of a run that was due while the daemon was not running."`

	Request       Request        `yaml:"request" required:"true" example:"{url: \"https://api.example.com/orders\"}" doc:"What is asked."`
	AllowNetworks []netip.Prefix `yaml:"allow_networks" doc:"Private networks that a redirect to another host may lead to." example:"[10.0.0.0/8]"`
	Auth          Auth           `yaml:"auth" whole:"true" doc:"The credentials of each request." aka:"authentication|authorization"`
	RateLimit     LimitRef       `yaml:"rate_limit" whole:"true" doc:"The request budget: the name of one of rate_limits, or one of its own." aka:"limit|rate_limits"`
	Cost          int            `yaml:"cost" default:"1" min:"1" doc:"How many requests of the budget one request takes, where the API counts it as several." aka:"weight|tokens|points"`
	Retry         Retry          `yaml:"retry" doc:"Further attempts within one poll." aka:"retries"`

	Pagination  Pagination   `yaml:"pagination" whole:"true" doc:"How the pages of an answer follow each other; without it an answer has one." example:"{type: header_link}" aka:"paging|paginate|pages"`
	Incremental *Incremental `yaml:"incremental" doc:"Asks only for what is newer than what was seen. The list is one of the newest items then." aka:"increment|since|cursor"`

	Format string  `yaml:"format" default:"auto" enum:"auto|json|ndjson|xml|csv|text" doc:"How the answer is read; auto goes by its content type, and takes text/csv for CSV where there are items. In NDJSON (JSON Lines) the lines are the items, in a CSV the rows, each an object of texts by column. XML is read as JSON: attributes are members such as @href, text beside them is #text; in feeds and site maps the entries are the items where items has no path."`
	Items  *Items  `yaml:"items" doc:"Turns on list mode: every item of a list is followed by its key. Without it the answer is one thing." aka:"list"`
	Detail *Detail `yaml:"detail" whole:"true" doc:"Fetches the page of its own of each item that is new or has changed in the list, and compares and tells that. A change that shows only there, and not in the list, is not seen." example:"{url: \"https://api.example.com/orders/{item.id}\"}" aka:"details|fetch|enrich|follow|drilldown"`
	// Acknowledge is for answers that are taken off a queue.
	Acknowledge *Acknowledge `yaml:"acknowledge" whole:"true" doc:"Tells the API that an answer was taken, once its changes are on disk, and asks for the next one at once: for a queue that gives the message at its head until that is deleted. An answer of 204, listed in success_status_codes, says that the queue is empty, and changes nothing. Where acknowledging fails nothing is asked until it succeeds, so a change may be seen twice, and is told once." example:"{url: \"https://api.example.com/messages/{header.X-Message-Id}\"}" aka:"ack|delete|confirm"`
	Detect      Detect       `yaml:"detect" doc:"What counts as a change." aka:"diff|compare"`
	Expect      Expect       `yaml:"expect" doc:"What an answer must be like; one that is not fails the poll and changes nothing." aka:"validate|assert"`

	When string `yaml:"when" example:"'change == \"created\" || changed(\"body\")'" doc:"Which changes are told: an expression of change, type, source, key, before, after and item, with the functions changed, delta, delta_percent, increased and decreased of a path. The log keeps all of them." aka:"condition|if|filter"`
	// EventType and Notify are never left open after Load: Notify then names
	// every endpoint, disabled ones too, or nobody.
	EventType string   `yaml:"event_type" is:"event_type" example:"shop.order" doc:"The type of its events, told as shop.order.created and so on; without one, pollwire.item in list mode, else pollwire.document." aka:"type|event"`
	Notify    []string `yaml:"notify" example:"[ops]" doc:"The endpoints that are told; without the key, every one; [] is none." aka:"endpoints|endpoint|targets"`
	Poke      *Poke    `yaml:"poke" doc:"Lets others ask for a poll: POST /poke/NAME polls at once, so that a webhook of the API's own, which may be lost or wrong, is a hint and the poll the truth." aka:"push|ping|hint|trigger"`
	Alerts    Alerts   `yaml:"alerts" doc:"When a source that fails is told of." aka:"alert"`

	location    *time.Location
	notifiesAll bool
}

// NotifiesAll says that no notify was written: every endpoint is told, also one
// that the configuration does not have.
func (s *Settings) NotifiesAll() bool { return s.notifiesAll }

// Location is the time zone of the schedule.
func (s *Settings) Location() *time.Location {
	if s.location == nil {
		return time.Local
	}
	return s.location
}

// Retry governs further attempts within one poll.
type Retry struct {
	MaxAttempts   int      `yaml:"max_attempts" default:"3" min:"1" max:"20" doc:"How often one poll asks at most, the first time included." aka:"attempts|max|count|max_retries"`
	WaitMin       Duration `yaml:"wait_min" default:"1s" min:"1ms" max:"1h" doc:"The wait before the second attempt; it doubles with each further one." aka:"min|backoff"`
	WaitMax       Duration `yaml:"wait_max" default:"30s" min:"1ms" max:"1d" doc:"The longest wait between attempts." aka:"max_wait"`
	MaxRetryAfter Duration `yaml:"max_retry_after" default:"1h" min:"1s" max:"30d" doc:"The longest pause that a Retry-After header can ask for."`
}

// Alerts says when a source that fails is told of.
type Alerts struct {
	FailureThreshold int      `yaml:"failure_threshold" default:"5" min:"1" doc:"How many polls in a row must fail. After as many that got no answer at all from a host, its sources leave it alone for a while, 30s at first and 15m at most." aka:"threshold|failures"`
	ReminderInterval Duration `yaml:"reminder_interval" default:"6h" min:"1m" doc:"How long after an alert it is told again." aka:"reminder|interval"`
}

func (v *validator) sources(at place, c *Config) {
	if at.node.Kind == yaml.SequenceNode && len(c.Sources) == 0 {
		v.add(at, "there are no sources: add one with name, schedule and request")
	}
	names := newNames("source")
	for i, p := range at.items() {
		if p.node.Kind != yaml.MappingNode {
			continue
		}
		s := &c.Sources[i]
		v.unique(names, p, s.Name)
		v.settings(p, s)
		if _, ok := p.key("notify"); !ok {
			s.notifiesAll = true
			s.Notify = make([]string, len(c.Endpoints))
			for j := range c.Endpoints {
				s.Notify[j] = c.Endpoints[j].Name
			}
		}
	}
	v.formerly(at, c, names)
}

// formerly checks the names that sources had before: the state of each can go
// to one source only, and one that there still is keeps its own.
func (v *validator) formerly(at place, c *Config, sources *names) {
	taken := make(map[string]place)
	for i, element := range at.items() {
		if element.node.Kind != yaml.MappingNode {
			continue
		}
		p, ok := v.written(element, "formerly")
		if !ok {
			continue
		}
		old := c.Sources[i].Formerly
		other, exists := sources.taken[old]
		first, twice := taken[old]
		switch {
		case old == c.Sources[i].Name:
			v.add(p, "%s is the name of the source itself: remove it, or write the name that it had before", p.quote(old))
		case exists:
			v.add(p, "%s is the name of %s, which keeps its state: remove it, or write the name of a source that is gone", p.quote(old), other.seenFrom(p))
		case twice:
			v.add(p, "the state of %s goes to %s already: one source can take it over", p.quote(old), first.seenFrom(p))
		default:
			taken[old] = element
		}
	}
}

func (v *validator) settings(at place, s *Source) {
	v.schedule(at, s)
	v.request(at, s)
	v.auth(at, &s.Auth, carrier{
		headers: s.Request.Headers, headersKey: "request.headers",
		params: s.Request.Params, paramsKey: "request.params", reserved: setByPollwire,
	})
	v.limitRef(at, s)
	v.pagination(at, s)
	v.incremental(at, s)
	v.acknowledge(at, s)
	v.look(at, s)
	v.detail(at, s)
	v.eventType(at, s)
	v.poke(at, s)
	if p, ok := v.written(at, "retry"); ok && s.Retry.WaitMin > s.Retry.WaitMax {
		v.add(p, "wait_min %s is longer than wait_max %s", s.Retry.WaitMin, s.Retry.WaitMax)
	}
	if p, ok := v.written(at, "notify"); ok {
		v.each(p, s.Notify, func(p place, name string) {
			if !v.endpoints.has(name) {
				v.add(p, "there is no endpoint %s%s", p.quote(name), v.endpoints.hint(name))
			}
		})
	}
}
