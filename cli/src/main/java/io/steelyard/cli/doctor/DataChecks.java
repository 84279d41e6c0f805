package io.steelyard.cli.doctor;

import io.steelyard.papers.data.DataFinding;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.DataResolver;
import io.steelyard.papers.data.DataSet;
import io.steelyard.papers.data.DownloadProgress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The data sets and where they would come from. */
final class DataChecks {

  private static final double MEGA = 1e6;

  private DataChecks() {}

  static List<Check> all(DataLocations locations) {
    final List<String> warnings = new ArrayList<>();
    final DataResolver resolver = new DataResolver(locations, warnings::add, DownloadProgress.NONE);
    return DataSet.known().stream().map(set -> check(resolver.locate(set), locations)).toList();
  }

  private static Check check(DataFinding finding, DataLocations locations) {
    final String name = "data " + finding.set().name();
    final String megabytes = Math.round(finding.set().bytes() / MEGA) + " MB";
    final String notes = finding.notes().stream().map(n -> "; " + n).collect(Collectors.joining());
    return switch (finding.source()) {
      case GIVEN, ENVIRONMENT, CACHE ->
          Check.ok(
              name,
              finding.source().label()
                  + finding.folder().map(folder -> ": " + folder).orElse("")
                  + notes);
      case DOWNLOAD ->
          Check.warning(
              name,
              "not here yet" + notes,
              "nothing to do: "
                  + megabytes
                  + " are downloaded to "
                  + locations.cache()
                  + " on first use; or set STEELYARD_DATA to a folder that has "
                  + finding.set().name()
                  + "/");
      case EMBEDDED ->
          Check.warning(
              name,
              "not here, and downloads are off; a synthetic stand-in would be used" + notes,
              "unset STEELYARD_OFFLINE, or set STEELYARD_DATA to a folder that has "
                  + finding.set().name()
                  + "/");
    };
  }
}
