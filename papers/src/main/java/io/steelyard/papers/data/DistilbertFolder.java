package io.steelyard.papers.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The folder {@value #NAME} with {@code vocab.txt} and {@code model.safetensors}, as the hub of its
 * authors lays them out, in the folder given with {@code --data} or in {@code STEELYARD_DATA}.
 * Nothing is downloaded.
 *
 * @param place where it was found
 * @param vocabulary {@code vocab.txt}, one word piece a line
 * @param model {@code model.safetensors}; empty if there is the vocabulary only
 */
public record DistilbertFolder(DataSource place, Path vocabulary, Optional<Path> model) {

  /** The model's name. */
  public static final String NAME = "distilbert-base-uncased";

  /**
   * Looks for it.
   *
   * @throws DataException if a folder has a model without its vocabulary
   */
  public static Optional<DistilbertFolder> find(DataLocations locations) {
    for (final LocalFolder local : LocalFolder.named(NAME, locations)) {
      final Path vocabulary = local.folder().resolve("vocab.txt");
      final Path model = local.folder().resolve("model.safetensors");
      if (Files.exists(vocabulary)) {
        return Optional.of(
            new DistilbertFolder(
                local.place(), vocabulary, Optional.of(model).filter(Files::exists)));
      }
      if (Files.exists(model)) {
        throw new DataException(
            local.folder() + " has model.safetensors and no vocab.txt; expected both");
      }
    }
    return Optional.empty();
  }

  /** Place and identity in words, for run records. */
  public String origin() {
    return place.label()
        + " (sha256 "
        + LocalFolder.shortSha256(vocabulary)
        + model.map(file -> ", " + LocalFolder.shortSha256(file)).orElse("")
        + ")";
  }
}
