/** Run by the build in the JDK it has chosen: says so when that is newer than the tested one. */
void main() {
  final int tested = 25;
  final Runtime.Version version = Runtime.version();
  if (version.feature() > tested) {
    System.out.printf(
        "[WARNING] No JDK %d found: building with JDK %s, which Steelyard is not tested on.%n",
        tested, version);
  }
}
