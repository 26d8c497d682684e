wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"uid": 7, "name": "Ann", "text": "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg"}'
