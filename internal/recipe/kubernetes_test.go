package recipe_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
)

// TestKubernetes holds the recipe against
// https://kubernetes.io/docs/reference/using-api/api-concepts/.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	status := func(code int, reason, message string) answer {
		return answer{status: code, body: fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)}
	}
	api := newFake(t, 60, time.Minute, bearer("token-1"), status(http.StatusUnauthorized, "Unauthorized", "Unauthorized"))
	api.untagged = true
	version := 1000
	pod := func(n int) object {
		return object{
			"metadata": object{
				"name": fmt.Sprintf("web-%d", n), "namespace": "shop", "uid": "uid-" + strconv.Itoa(n), "resourceVersion": strconv.Itoa(version),
				"labels": object{"app": "web"}, "managedFields": []object{{"time": "2025-12-01T00:00:00Z"}},
			},
			"spec": object{"nodeName": "node-1"},
			"status": object{
				"phase": "Running", "conditions": []object{{"type": "Ready", "lastProbeTime": nil}},
				"containerStatuses": []object{
					{"name": "app", "restartCount": 0, "state": object{"running": object{"startedAt": "2025-12-01T00:00:00Z"}}},
					{"name": "proxy", "restartCount": 3, "state": object{"running": object{"startedAt": "2025-12-01T00:00:00Z"}}},
				},
			},
		}
	}
	var pods []object
	for n := range 520 {
		pods = append(pods, pod(n))
	}
	inside := func(n int) object { return pods[n]["status"].(object) }
	container := func(n int) object { return inside(n)["containerStatuses"].([]object)[0] }
	waiting := func(reason string) object { return object{"waiting": object{"reason": reason}} }
	api.handle("GET /api/v1/namespaces/shop/pods", func(r *http.Request) any {
		api.wantQuery(r, "limit", "500")
		offset := 0
		if token := r.URL.Query().Get("continue"); token != "" {
			if _, err := fmt.Sscanf(token, "eyJ2Ijoi%d", &offset); err != nil {
				return status(http.StatusGone, "Expired", "The provided continue parameter is too old to display a consistent list result.")
			}
		}
		items, more := page(pods, offset, 500)
		api.paged("pods", offset, more)
		meta := object{"resourceVersion": strconv.Itoa(version)}
		if more {
			meta["continue"], meta["remainingItemCount"] = fmt.Sprint("eyJ2Ijoi", offset+500), len(pods)-offset-500
		}
		return object{"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": items}
	})
	tr := trial{
		set: map[string]string{
			"KUBERNETES_TOKEN": "token-1", "KUBERNETES_CA_FILE": httpclienttest.NewAuthority(t).File,
			"KUBERNETES_URL": "https://10.0.0.1:6443", "KUBERNETES_NAMESPACE": "shop",
		},
		hosts: map[string]http.Handler{"10.0.0.1:6443": api},
		dull: api.do(func() {
			version++ // of the list: the server counts all that is done in the cluster
			pods[0]["metadata"].(object)["resourceVersion"] = "999"
			inside(1)["conditions"] = []object{{"type": "Ready", "lastProbeTime": "2025-12-02T00:00:00Z"}}
		}),
		untold: api.do(func() {
			container(2)["state"] = object{"terminated": object{"reason": "Completed"}}
			inside(3)["phase"] = "Succeeded"
			container(4)["state"] = waiting("ContainerCreating")
			pods = append(pods[:100:100], pod(600)) // a much smaller deployment
		}),
		change: api.do(func() {
			version++
			inside(10)["phase"] = "Failed"
			container(11)["state"] = waiting("ErrImagePull")
			container(12)["restartCount"], container(12)["state"] = 1, waiting("CrashLoopBackOff")
			failed := pod(601)
			failed["status"].(object)["containerStatuses"].([]object)[1]["state"] = waiting("ImagePullBackOff")
			pods = append(pods, failed)
		}),
		told: []string{"kubernetes.pod.updated uid-12", "kubernetes.pod.updated uid-10", "kubernetes.pod.updated uid-11", "kubernetes.pod.created uid-601"},
		sick: []sickness{
			api.ill("a server with too much to do", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"1"}, "Content-Type": {"text/plain"}}, body: "Too many requests, please try again later.\n"}),
			api.ill("a role that may not list", "403", status(http.StatusForbidden, "Forbidden", `pods is forbidden: User "system:serviceaccount:default:pollwire" cannot list resource "pods" in API group "" in the namespace "shop"`)),
			api.ill("an end of the token for the next page", "410", status(http.StatusGone, "Expired", "The provided continue parameter is too old")),
		},
	}
	try(t, "kubernetes", tr)
	tryDenied(t, "kubernetes", tr, "KUBERNETES_TOKEN", "token-2", "401")
}

// An image that cannot be pulled is told once, though its two reasons take turns.
func TestKubernetesImagePull(t *testing.T) {
	t.Parallel()
	reason := "ErrImagePull"
	api := newFake(t, 60, time.Minute, nil, answer{})
	api.handle("GET /api/v1/namespaces/default/pods", func(*http.Request) any {
		return map[string]any{"kind": "PodList", "metadata": map[string]any{}, "items": []any{map[string]any{
			"metadata": map[string]any{"uid": "uid-1", "name": "web-1"},
			"status":   map[string]any{"phase": "Pending", "containerStatuses": []any{map[string]any{"name": "app", "restartCount": 0, "state": map[string]any{"waiting": map[string]any{"reason": reason}}}}},
		}}}
	})
	tr := trial{
		set:   map[string]string{"KUBERNETES_TOKEN": "token-1", "KUBERNETES_CA_FILE": httpclienttest.NewAuthority(t).File},
		hosts: map[string]http.Handler{"kubernetes.default.svc": api},
	}
	inWorld(t, "kubernetes", tr, func(t *testing.T, w *world) {
		w.round()
		api.do(func() { reason = "ImagePullBackOff" })()
		w.round()
		api.do(func() { reason = "ErrImagePull" })()
		w.round()
		w.wantTold(t, "the same")
	})
}
