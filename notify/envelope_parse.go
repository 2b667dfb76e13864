package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseEnvelope reads the event back that [Envelope] made an envelope of. Its
// Position is not in there and stays 0; the "url" in data, which is not the
// event's, is left out.
func ParseEnvelope(body []byte) (*Event, error) {
	var envelope struct {
		ID, Source, Type, Subject, Sequence string
		Time                                time.Time
		Data                                json.RawMessage
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, fmt.Errorf("parse envelope: %w", err)
	}
	e := &Event{ID: envelope.ID, Type: envelope.Type, Subject: envelope.Subject, Time: envelope.Time, Alert: envelope.Sequence == ""}
	name := strings.TrimPrefix(envelope.Source, "/sources/")
	if e.Alert {
		name = strings.TrimPrefix(name, "/endpoints/")
	}
	var err error
	if e.Source, err = url.PathUnescape(name); err != nil {
		return nil, fmt.Errorf("parse envelope: source: %w", err)
	}
	if !e.Alert {
		if e.Sequence, err = strconv.ParseInt(envelope.Sequence, 10, 64); err != nil {
			return nil, errors.New("parse envelope: sequence is no number")
		}
	}
	e.Data = envelope.Data
	if _, err := object(e); err != nil {
		return nil, fmt.Errorf("parse envelope: %w", err)
	}
	d := readData(envelope.Data)
	if last := len(d.members) - 1; last >= 0 && d.members[last].name == "url" {
		d.members = slices.Delete(d.members, last, last+1)
		e.Data = d.append(nil)
	}
	return e, nil
}
