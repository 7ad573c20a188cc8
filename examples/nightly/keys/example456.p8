PUBLIC DEMO KEY. Everybody has it. Never sign real traffic with it.
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/ywiCjs/AtM2MhXY
GvRBh/uFWuxGk453e18BReEnSTihRANCAAQtMWlWDB05+rHvRa+HsngtdC9aK0u+
7TogM3e7jjYTc4Q+6FeZpriWMlTw0Su8rk2ckk5ouui7s2iQjsbiGcFR
-----END PRIVATE KEY-----
