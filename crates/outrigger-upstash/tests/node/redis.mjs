// What the unmodified client of Upstash, and plain requests, get from the address in UPSTASH_REDIS_REST_URL.
// Run by tests/it/client.rs, which names the folder of npm packages.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";

const require = createRequire(path.join(process.env.OUTRIGGER_NODE_MODULES, "_.js"));
const { Redis } = require("@upstash/redis");
const url = process.env.UPSTASH_REDIS_REST_URL;
const token = process.env.UPSTASH_REDIS_REST_TOKEN;
const readOnlyToken = process.env.READ_ONLY_TOKEN;

const redis = Redis.fromEnv();
const single = new Redis({ url, token, enableAutoPipelining: false });
const plain = new Redis({ url, token, automaticDeserialization: false });
const unencoded = new Redis({ url, token, responseEncoding: false });
const reader = new Redis({ url, token: readOnlyToken, retry: false });

const ask = (where, options = {}) =>
  fetch(url + where, { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
const post = async (where, body, headers) => {
  const response = await ask(where, { method: "POST", body: JSON.stringify(body), headers });
  return [response.status, await response.json()];
};

test("a key that is not there is null", async () => assert.equal(await redis.get("nothing"), null));

test("JSON comes back as it went", async () => {
  const value = { text: "a,b\n\"c\"", list: [1, null, true], nested: { π: "ü" } };
  assert.equal(await redis.set("json", value), "OK");
  assert.deepEqual(await redis.get("json"), value);
});

test("numbers are numbers, and texts where nothing is parsed", async () => {
  await redis.set("one", "1");
  assert.equal(await redis.get("one"), 1);
  assert.equal(await plain.get("one"), "1");
  assert.equal(await redis.incrby("one", 41), 42);
  assert.equal(await redis.incrbyfloat("float", 1.5), 1.5);
});

test("the text OK is a text, alone and in lists", async () => {
  await redis.set("ok", "OK");
  assert.equal(await redis.get("ok"), "OK");
  await redis.rpush("oks", "OK", "KO", "OK");
  assert.deepEqual(await redis.lrange("oks", 0, -1), ["OK", "KO", "OK"]);
  assert.deepEqual(await redis.mget("ok", "nothing", "ok"), ["OK", null, "OK"]);
});

test("other scripts than Latin", async () => {
  await redis.set("schlüssel 数据", "naïve ☃ 𝄞");
  assert.equal(await redis.get("schlüssel 数据"), "naïve ☃ 𝄞");
});

test("hashes", async () => {
  assert.equal(await redis.hset("hash", { a: 1, b: { c: 2 }, "": "empty" }), 3);
  assert.deepEqual(await redis.hgetall("hash"), { a: 1, b: { c: 2 }, "": "empty" });
  assert.equal(await redis.hget("hash", "none"), null);
  assert.equal(await redis.hgetall("no-hash"), null);
});

test("sorted sets with scores", async () => {
  await redis.zadd("scores", { score: 1.5, member: "a" }, { score: 2, member: "b" });
  assert.deepEqual(await redis.zrange("scores", 0, -1, { withScores: true }), ["a", 1.5, "b", 2]);
  assert.equal(await redis.zscore("scores", "a"), 1.5);
});

test("sets and lists", async () => {
  assert.equal(await redis.sadd("set", "x", "y"), 2);
  assert.deepEqual((await redis.smembers("set")).sort(), ["x", "y"]);
  await redis.rpush("list", 1, 2, 3);
  assert.equal(await redis.lpop("list"), 1);
  assert.equal(await redis.llen("list"), 2);
});

test("scanning", async () => {
  const [cursor, keys] = await redis.scan(0, { match: "json*", count: 1000 });
  assert.equal(cursor, "0");
  assert.deepEqual(keys, ["json"]);
});

test("time to live", async () => {
  await redis.set("short", "x", { ex: 100 });
  const left = await redis.ttl("short");
  assert.ok(left > 90 && left <= 100, String(left));
  assert.equal(await redis.set("short", "y", { nx: true }), null);
});

test("scripts give nested lists", async () => {
  const nested = await redis.eval("return {1, {ARGV[1], {KEYS[1], false}}, 'OK'}", ["k"], ["v"]);
  assert.deepEqual(nested, [1, ["v", ["k", null]], "OK"]);
});

test("a script that is not known", async () => {
  await assert.rejects(redis.evalsha("0".repeat(40), [], []), /NOSCRIPT/);
  const script = redis.createScript("return 7");
  assert.equal(await script.exec([], []), 7);
});

test("streams", async () => {
  const id = await redis.xadd("stream", "*", { field: "value", n: 1 });
  assert.match(id, /^\d+-\d+$/);
  assert.equal(await redis.xlen("stream"), 1);
  assert.deepEqual(await redis.xrange("stream", "-", "+"), { [id]: { field: "value", n: 1 } });
  const read = await redis.xread("stream", "0");
  assert.equal(read[0][0], "stream");
});

test("a pipeline", async () => {
  const pipeline = redis.pipeline();
  pipeline.set("p", "1").incr("p").get("nothing");
  assert.deepEqual(await pipeline.exec(), ["OK", 2, null]);
});

test("a pipeline goes on after an error", async () => {
  await assert.rejects(redis.pipeline().set("s", "x").incr("s").exec(), /not an integer/);
  const kept = await redis.pipeline().incr("s").get("s").exec({ keepErrors: true });
  assert.match(kept[0].error, /not an integer/);
  assert.equal(kept[1].result, "x");
});

test("a transaction", async () => {
  assert.deepEqual(await redis.multi().set("t", "1").incr("t").lrange("oks", 0, 0).exec(), ["OK", 2, ["OK"]]);
});

test("a transaction keeps errors of running in their place", async () => {
  const [status, body] = await post("/multi-exec", [["SET", "u", "x"], ["INCR", "u"], ["GET", "u"]]);
  assert.equal(status, 200);
  assert.equal(body[0].result, "OK");
  assert.match(body[1].error, /not an integer/);
  assert.equal(body[2].result, "x");
});

test("a transaction is discarded as a whole", async () => {
  const [status, body] = await post("/multi-exec", [["SET", "never", "x"], ["NONSENSE"]]);
  assert.equal(status, 400);
  assert.match(body.error, /EXECABORT/);
  assert.equal(await redis.get("never"), null);
});

test("calls of one moment share a request", async () => {
  const calls = Array.from({ length: 300 }, (_, n) => redis.set(`many:${n}`, n));
  assert.ok((await Promise.all(calls)).every((answer) => answer === "OK"));
  assert.equal(await redis.get("many:299"), 299);
});

test("without pipelining there is one request for each", async () => {
  assert.equal(await single.set("single", { a: 1 }), "OK");
  assert.deepEqual(await single.get("single"), { a: 1 });
  await assert.rejects(single.incr("single"), /not an integer/);
});

test("a wrong token", async () => {
  const stranger = new Redis({ url, token: "wrong", retry: false });
  await assert.rejects(stranger.get("k"), /WRONGPASS/);
});

test("no token", async () => {
  const response = await fetch(`${url}/get/k`);
  assert.equal(response.status, 401);
  assert.match((await response.json()).error, /^WRONGPASS/);
});

test("encoding switched off", async () => {
  await redis.set("off", "ü");
  assert.equal(await unencoded.get("off"), "ü");
});

test("bytes that are no text", async () => {
  const bytes = Buffer.from([0, 255, 254, 13, 10, 128]);
  assert.equal((await ask("/set/binary", { method: "POST", body: bytes })).status, 200);
  const encoded = await (await ask("/get/binary", { headers: { "upstash-encoding": "base64" } })).json();
  assert.deepEqual(Buffer.from(encoded.result, "base64"), bytes);
  const lossy = await (await ask("/get/binary")).json();
  assert.equal(lossy.result, "\0\ufffd\ufffd\r\n\ufffd");
});

test("a command in the path", async () => {
  assert.deepEqual(await (await ask("/set/path/a%2Fb%20c")).json(), { result: "OK" });
  assert.deepEqual(await (await ask("/get/path")).json(), { result: "a/b c" });
  const failed = await ask("/incr/path");
  assert.equal(failed.status, 400);
  assert.match((await failed.json()).error, /^ERR value is not an integer/);
});

test("options in the query", async () => {
  assert.equal((await ask("/set/query/v?EX=100", { method: "PUT" })).status, 200);
  assert.ok((await redis.ttl("query")) > 90);
});

test("a body is the last argument before the query's", async () => {
  const response = await ask("/set/body?EX=100", { method: "POST", body: "{\"a\": 1}" });
  assert.deepEqual(await response.json(), { result: "OK" });
  assert.deepEqual(await redis.get("body"), { a: 1 });
});

test("a token in the query", async () => {
  const response = await fetch(`${url}/get/path?_token=${encodeURIComponent(token)}`);
  assert.deepEqual(await response.json(), { result: "a/b c" });
});

test("HEAD", async () => {
  const response = await ask("/get/path", { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "");
});

test("other methods", async () => assert.equal((await ask("/get/path", { method: "DELETE" })).status, 405));

test("a body that is no list of texts", async () => {
  for (const body of ["", "{", "{}", "\"GET\"", "[[\"GET\"]]", "[null]", "[]"]) {
    const response = await ask("", { method: "POST", body });
    assert.equal(response.status, 400, body);
    assert.equal(typeof (await response.json()).error, "string", body);
  }
});

test("numbers and booleans without quotation marks", async () => {
  assert.deepEqual(await post("", ["SET", "number", 1.5, "EX", 100]), [200, { result: "OK" }]);
  assert.equal(await redis.get("number"), 1.5);
});

test("commands that would hang or leak", async () => {
  const refused = ["BLPOP k 0", "WATCH k", "SELECT 1", "CONFIG GET *", "XREAD BLOCK 0 STREAMS s 0", "CLIENT LIST"];
  for (const command of refused) {
    const [status, body] = await post("", command.split(" "));
    assert.equal(status, 400, command);
    assert.match(body.error, /^ERR .* not available over REST/, command);
    const [, among] = await post("/pipeline", [command.split(" "), ["PING"]]);
    assert.deepEqual(among[1], { result: "PONG" }, command);
  }
  await assert.rejects(redis.eval("return redis.call('config', 'get', '*')", [], []), /not allowed/);
});

test("the raw reply", async () => {
  const headers = { "upstash-response-format": "resp2" };
  const response = await ask("/mget/path/nothing", { headers });
  assert.equal(response.headers.get("content-type"), "application/octet-stream");
  assert.equal(await response.text(), "*2\r\n$5\r\na/b c\r\n$-1\r\n");
  assert.equal((await ask("/get/path", { headers: { "upstash-response-format": "resp3" } })).status, 400);
  assert.equal((await ask("/get/path", { headers: { ...headers, "upstash-encoding": "base64" } })).status, 400);
  assert.equal((await post("/multi-exec", [["PING"]], headers))[0], 400);
});

test("a sync token, and pages from elsewhere", async () => {
  const response = await ask("/ping", { headers: { origin: "http://elsewhere.example" } });
  assert.ok(response.headers.get("upstash-sync-token"));
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.match(response.headers.get("access-control-expose-headers"), /upstash-sync-token/);
  const asked = await fetch(url, { method: "OPTIONS", headers: { "access-control-request-method": "POST" } });
  assert.equal(asked.status, 204);
});

test("the token that only reads", async () => {
  await redis.set("readable", "yes");
  assert.equal(await reader.get("readable"), "yes");
  await assert.rejects(reader.set("readable", "no"), /NOPERM/);
  await assert.rejects(reader.scan(0), /NOPERM/);
  await assert.rejects(reader.keys("*"), /NOPERM/);
  await assert.rejects(reader.flushall(), /NOPERM/);
  assert.equal(await redis.get("readable"), "yes");
});

test("publish and subscribe", async () => {
  const subscription = redis.subscribe("news");
  const heard = new Promise((resolve) => subscription.on("message", resolve));
  await new Promise((resolve) => subscription.on("subscribe", resolve));
  assert.equal(await redis.publish("news", { headline: "a,b" }), 1);
  const message = await heard;
  assert.equal(message.channel, "news");
  assert.deepEqual(message.message, { headline: "a,b" });
  await subscription.unsubscribe();
});

test("publish and subscribe by pattern", async () => {
  const subscription = redis.psubscribe("user:*");
  const heard = new Promise((resolve) => subscription.on("pmessage", resolve));
  await new Promise((resolve) => subscription.on("psubscribe", resolve));
  assert.equal(await redis.publish("user:7", { text: "hello" }), 1);
  const message = await heard;
  assert.deepEqual([message.pattern, message.channel, message.message], ["user:*", "user:7", { text: "hello" }]);
  await subscription.unsubscribe();
});

test("everything can be flushed, as the database is nobody else's", async () => {
  assert.equal(await redis.flushall(), "OK");
  assert.equal(await redis.dbsize(), 0);
});
