-- wrk script: each thread, with one connection, creates an add-on's instance on a site of its own and deletes it, over
-- and over. `wrk -t4 -c4 -s lifecycle.lua ORIGIN -- TOKEN SITE SITE SITE SITE`

local started = 0

function setup(thread)
  started = started + 1
  thread:set("number", started)
end

function init(args)
  path = "/api/v1/sites/" .. args[number + 1] .. "/services/tally/instances"
  headers = { ["Authorization"] = "Bearer " .. args[1], ["Content-Type"] = "application/json" }
  instance = nil
end

function request()
  if instance then
    return wrk.format("DELETE", path .. "/" .. instance, headers)
  end
  return wrk.format("POST", path, headers, '{"config":{"label":"bench"}}')
end

function response(status, _, body)
  if instance then
    if status ~= 204 then
      error("a delete was answered with " .. status)
    end
    instance = nil
  else
    if status ~= 201 or not body:find('"state":"active"', 1, true) then
      error("a create was answered with " .. status .. " " .. body)
    end
    instance = body:match('"id":"([^"]+)"')
  end
end
