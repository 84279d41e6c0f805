package io.steelyard.papers.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Where a data set would come from, found without loading it.
 *
 * @param set the set
 * @param source the first place that has it
 * @param folder the folder with its files, for local places
 * @param notes what was looked at before and why it was not used, one line each
 */
public record DataFinding(
    DataSet set, DataSource source, Optional<Path> folder, List<String> notes) {

  /** Copies the list. */
  public DataFinding {
    notes = List.copyOf(notes);
  }
}
