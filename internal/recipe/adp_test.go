package recipe_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestADP holds the recipe against https://developers.adp.com/articles/general/introduction-to-adp-restful-apis.
func TestADP(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	denied := answer{status: http.StatusUnauthorized, body: `{"error":"invalid_token","error_description":"The access token expired"}`}
	api := newFake(t, 60, time.Minute, bearer("adp-token-1"), denied)
	worker := func(n int) object {
		return object{
			"associateOID": fmt.Sprintf("G3%04d", n), "workerID": object{"idValue": fmt.Sprint(n)},
			"person":          object{"legalName": object{"formattedName": "Doe, Jane"}},
			"workerStatus":    object{"statusCode": object{"codeValue": "Active"}},
			"workAssignments": []object{{"itemID": "1", "jobTitle": "Clerk", "baseRemuneration": object{"hourlyRateAmount": object{"amountValue": 20}}}},
			"links":           []object{{"href": "/hr/v2/workers/" + fmt.Sprint(n)}},
		}
	}
	var workers, all []object
	isList := false      // nobody is a list too, in place of a 204
	for n := range 200 { // two full pages: the third is a 204
		workers = append(workers, worker(n))
	}
	api.handle("GET /hr/v2/workers", func(r *http.Request) any {
		api.wantQuery(r, "$top", "100")
		// No birth dates, no numbers, no accounts.
		api.wantQuery(r, "$select", "workers/associateOID,workers/person/legalName,workers/workerStatus,workers/workAssignments")
		list, _ := page(workers, api.number(r, "$skip"), 100)
		if len(list) == 0 && !isList {
			return answer{status: http.StatusNoContent}
		}
		return object{"workers": list, "meta": nil}
	})
	notification := func(id, name string) object {
		return object{"eventID": id, "eventNameCode": object{"codeValue": name}, "creationDateTime": "2025-12-01T09:00:00Z", "data": object{"output": object{}}}
	}
	// A message has several events, the first one more than may vanish from a list.
	queue := [][]object{{
		notification("ev-1", "payroll.closed"), notification("ev-1b", "payroll.closed"),
		notification("ev-1c", "payroll.closed"), notification("ev-1d", "payroll.closed"),
	}}
	api.handle("GET /core/v1/event-notification-messages", func(*http.Request) any {
		if len(queue) == 0 {
			return answer{status: http.StatusNoContent}
		}
		id, _ := queue[0][0]["eventID"].(string)
		return api.json(object{"events": queue[0]}, http.Header{"Adp-Msg-Msgid": {"msg:" + id}})
	})
	api.handle("DELETE /core/v1/event-notification-messages/{id}", func(r *http.Request) any {
		if id, _ := queue[0][0]["eventID"].(string); r.PathValue("id") != "msg:"+id {
			t.Errorf("it deletes %s, not %s", r.PathValue("id"), id)
		}
		queue = queue[1:]
		return answer{status: http.StatusOK}
	})
	tokens := newFake(t, 60, time.Minute, nil, denied)
	secret := "adp-secret-1"
	tokens.handle("POST /auth/oauth/v2/token", func(r *http.Request) any {
		id, password, _ := r.BasicAuth()
		if r.FormValue("grant_type") != "client_credentials" || id != "adp-client-1" || password != secret {
			return answer{status: http.StatusUnauthorized, body: `{"error":"invalid_client","error_description":"The given client credentials were not valid"}`}
		}
		return object{"access_token": "adp-token-1", "token_type": "Bearer", "expires_in": 3600, "scope": "api"}
	})
	cert, key := clientCertificate(t)
	tr := trial{
		set: map[string]string{
			"ADP_CLIENT_ID": "adp-client-1", "ADP_CLIENT_SECRET": "adp-secret-1", "ADP_CERT_FILE": cert, "ADP_KEY_FILE": key,
		},
		hosts: map[string]http.Handler{"api.adp.com": api, "accounts.adp.com": tokens},
		dull:  api.do(func() { workers[7]["links"] = []object{} }),
		untold: api.do(func() {
			workers[8]["workAssignments"] = []object{{"itemID": "1", "jobTitle": "Clerk", "baseRemuneration": object{"hourlyRateAmount": object{"amountValue": 21}}}}
		}),
		change: api.do(func() {
			queue = append(queue, []object{notification("ev-2", "worker.hire"), notification("ev-3", "payroll.closed")}, []object{notification("ev-4", "worker.terminate")})
			workers = append(workers, worker(200))
			workers[4]["workAssignments"].([]object)[0]["homeWorkLocation"] = object{"nameCode": object{"codeValue": "B2"}}
			// A place that ends, and a new one, which has more of what the old one had.
			workers[5]["workAssignments"] = []object{
				{"itemID": "2", "jobTitle": "Clerk", "baseRemuneration": object{"hourlyRateAmount": object{"amountValue": 20}}},
				{"itemID": "1", "jobTitle": "Clerk", "baseRemuneration": object{"hourlyRateAmount": object{"amountValue": 0}}},
			}
			workers[6]["workAssignments"].([]object)[0]["reportsTo"] = []object{{"associateOID": "G30001"}}
			workers[3]["workerStatus"] = object{"statusCode": object{"codeValue": "Terminated"}}
		}),
		told:    []string{"adp.worker.updated G30003", "adp.worker.updated G30004", "adp.worker.updated G30005", "adp.worker.updated G30006", "adp.worker.created G30200", "adp.event.created ev-2", "adp.event.created ev-4"},
		changed: map[string]string{"adp.worker.updated G30005": "/workAssignments/0 /workAssignments/1/baseRemuneration/hourlyRateAmount/amountValue"},
		sick: []sickness{
			api.ill("too many requests", "429", answer{status: http.StatusTooManyRequests, body: `{"confirmMessage":{"requestStatus":{"codeValue":"failed"}}}`}),
			api.ill("a scope that was taken back", "403", answer{status: http.StatusForbidden, body: `{"response":{"resourceMessages":[{"processMessages":[{"userMessage":{"messageTxt":"Not authorized"}}]}]}}`}),
			{name: "nobody", reason: "page 1", begin: api.do(func() { all, workers = workers, nil }), end: api.do(func() { workers = all })},
		},
	}
	try(t, "adp", tr)
	if len(queue) > 0 {
		t.Errorf("%d messages are still in the queue", len(queue))
	}
	all, workers, isList = workers, nil, true
	inWorld(t, "adp", tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "a first look at nobody")
		w.wantFailures(t, "a first look at nobody", "min_items")
	})
	secret, workers = "another", all
	inWorld(t, "adp", tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "a wrong secret")
		w.wantFailures(t, "a wrong secret", "invalid_client")
	})
}

// clientCertificate makes a certificate with its key, and returns their files. That
// a server gets to see it is shown where connections are made.
func clientCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)},
		&x509.Certificate{}, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "adp.pem"), filepath.Join(dir, "adp.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: made}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
