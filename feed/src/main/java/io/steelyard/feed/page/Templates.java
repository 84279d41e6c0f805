package io.steelyard.feed.page;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.Utf8ByteOutput;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** Fills templates. They were compiled with the project; nothing is compiled while it runs. */
public final class Templates {

  private static final TemplateEngine ENGINE =
      TemplateEngine.createPrecompiled(
          Path.of(""),
          ContentType.Html,
          Templates.class.getClassLoader(),
          Templates.class.getPackageName());

  private Templates() {}

  /** A page as UTF-8. */
  public static byte[] render(String template, Object page) {
    final Utf8ByteOutput out = new Utf8ByteOutput();
    ENGINE.render(template + ".jte", page, out);
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream(out.getContentLength());
    try {
      out.writeTo(bytes::write);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a page into memory", e);
    }
    return bytes.toByteArray();
  }
}
