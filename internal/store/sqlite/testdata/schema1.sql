-- What a daemon of schema 1 left: two sources of several versions, a feed with
-- a departed item, the log, the queue, and the state of limits and endpoints.
INSERT INTO sources (name, request_key, rules_key, version, sequence, etag, last_modified, raw_hash,
    alert_since, alert_failures, alert_reason, alert_told_at, accept_removal) VALUES
    ('feed', 'request', 'rules', 1, 0, '', '', zeroblob(32), 0, 0, '', 0, 0),
    ('orders', 'request', 'rules', 3, 2, '"3"', 'Fri, 02 Jan 2026 03:04:05 GMT',
     x'0102030405060708091011121314151617181920212223242526272829303132', 1767323045000000, 5, '503', 1767323046000000, 1);
INSERT INTO snapshots (source, version, at, format, encoding, body) VALUES
    ('feed', 1, 1767323045000000, 'json', 0, CAST('[{"id":1}]' AS BLOB)),
    ('orders', 2, 1767323045000001, 'json', 0, CAST('{"n":2}' AS BLOB)),
    ('orders', 3, 1767323045000002, 'text', 0, CAST('n is 3' AS BLOB));
INSERT INTO departed (source, key, at, encoding, item) VALUES ('feed', '0', 1767323045000000, 0, CAST('{"id":0}' AS BLOB));
INSERT INTO events (position, id, type, source, subject, time, sequence, alert, encoding, data) VALUES
    (4, 'evt_1', 'shop.order.updated', 'orders', '7', 1767323045000000, 1, 0, 0, CAST('{"n":1}' AS BLOB)),
    (5, 'evt_2', 'shop.order.updated', 'orders', '7', 1767323045000000, 2, 0, 0, CAST('{"n":2}' AS BLOB));
INSERT INTO deliveries (id, event, endpoint, lane, state, posts, attempts, not_before, replay, created_at) VALUES
    (8, 4, 'ops', 'orders', 'delivered', 1, 1, 0, 0, 1767323045000000),
    (9, 5, 'ops', 'orders', 'waiting', 2, 2, 1767323050000000, 0, 1767323045000000);
INSERT INTO attempts (delivery, number, at, duration, status, error, encoding, response) VALUES
    (8, 1, 1767323045000000, 1000, 204, '', 0, x''), (9, 2, 1767323045000000, 1000, 500, '', 0, CAST('no' AS BLOB));
INSERT INTO endpoint_states (name, disabled, reason, since, paused_until) VALUES ('crm', 1, '410 Gone', 1767323045000000, 0);
INSERT INTO budgets (name, spent, reserved, paused_until) VALUES ('source/orders', '[[1767323045000000,3]]', 2, 0);
INSERT INTO next_runs (source, at) VALUES ('orders', 1767323100000000);
