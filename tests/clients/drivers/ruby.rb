# As curl.sh says.
require "net/http"
$stdout.sync = true
base = URI(ARGV[0])
Net::HTTP.start(base.host, base.port) do |http|
  $stdin.each_line(chomp: true) do |line|
    method, path, body, token, out = line.split("\t")
    path, wish = path.split("#")
    request = Net::HTTPGenericRequest.new(method, body != "-", true, path)
    if body != "-"
      request.body = File.binread(body)
      request["content-type"] = "application/json"
    end
    request["authorization"] = "Bearer #{token}" if token != "-"
    request["prefer"] = "respond-async" if wish == "async"
    response = http.request(request)
    File.binwrite(out, response.body)
    puts "#{response.code}\t#{response["location"] || "-"}"
  end
end
