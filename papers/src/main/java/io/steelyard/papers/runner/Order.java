package io.steelyard.papers.runner;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.papers.run.Machine;
import io.steelyard.papers.run.Scale;
import java.nio.file.Path;
import java.util.Optional;

/** What a parent tells its child: the first line of the child's standard input. */
record Order(SeedRun run, String code, Machine machine, Path store, Optional<Path> dataFolder) {

  private static final Gson GSON = new Gson();

  String line() {
    final JsonObject json = new JsonObject();
    json.addProperty("paper", run.paper());
    json.addProperty("scale", run.scale().label());
    json.addProperty("seed", run.seed());
    json.addProperty("code", code);
    json.add("machine", GSON.toJsonTree(machine));
    json.addProperty("store", store.toAbsolutePath().toString());
    dataFolder.ifPresent(folder -> json.addProperty("data", folder.toAbsolutePath().toString()));
    return json.toString();
  }

  static Order parse(String line) {
    final JsonObject json = JsonParser.parseString(line).getAsJsonObject();
    return new Order(
        new SeedRun(
            json.get("paper").getAsString(),
            Scale.of(json.get("scale").getAsString()),
            json.get("seed").getAsLong()),
        json.get("code").getAsString(),
        GSON.fromJson(json.get("machine"), Machine.class),
        Path.of(json.get("store").getAsString()),
        json.has("data") ? Optional.of(Path.of(json.get("data").getAsString())) : Optional.empty());
  }
}
