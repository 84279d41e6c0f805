package io.steelyard.cli;

import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/** The version in the jar's manifest. */
final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    return new String[] {
      "steelyard "
          + Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
              .orElse("(built without a version)")
    };
  }
}
