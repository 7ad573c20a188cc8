-- One row for each impression that may be served. Every row needs a column that
-- names it, `row_id` here: what is derived for a row (its nonce) hangs on it, so
-- that a second attempt signs the same thing. A real query reads a table.
SELECT
    'placement-' || n AS row_id,
    '4.0' AS version,
    'example123.skadnetwork' AS "ad-network-id",
    5000 + n % 200 AS "source-identifier",
    525463029 AS "itunes-item-id",
    1234567891 AS "source-app-id"
FROM range(1000) AS numbers(n)
ORDER BY row_id
