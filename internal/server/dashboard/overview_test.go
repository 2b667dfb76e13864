package dashboard

import "testing"

func TestOverviewLooksWell(t *testing.T) {
	t.Parallel()
	browse(t, serve(t, newFake())).judge("/", "overview")
}

func TestOverviewOfADaemonThatIsWell(t *testing.T) {
	t.Parallel()
	browse(t, serve(t, &fake{grown: make(chan struct{})})).judge("/", "overview-empty")
}
