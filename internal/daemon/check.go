package daemon

import (
	"github.com/pollwire/pollwire/internal/config"
)

// Check says whether a configuration that is valid by itself can be run: what
// the other packages refuse is refused here too.
func Check(cfg *config.Config) error {
	asked, err := sources(cfg)
	if err != nil {
		return err
	}
	if _, err := endpoints(cfg); err != nil {
		return err
	}
	_, err = judges(cfg, asked)
	return err
}
