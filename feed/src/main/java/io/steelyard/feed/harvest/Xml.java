package io.steelyard.feed.harvest;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

/** Elements of documents that may come from anywhere: no document types, no entities. */
final class Xml {

  private Xml() {}

  /** The root of a document. */
  static Element root(byte[] document, String from) {
    try {
      final DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setNamespaceAware(true);
      factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
      factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
      final DocumentBuilder builder = factory.newDocumentBuilder();
      builder.setErrorHandler(new DefaultHandler());
      return builder.parse(new ByteArrayInputStream(document)).getDocumentElement();
    } catch (SAXException e) {
      throw new SourceException(from + " is not well-formed XML: " + e.getMessage(), e);
    } catch (IOException | ParserConfigurationException e) {
      throw new SourceException("cannot read " + from, e);
    }
  }

  /** The child elements with this local name. */
  static List<Element> all(Element parent, String name) {
    final List<Element> children = new ArrayList<>();
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && name.equals(element.getLocalName())) {
        children.add(element);
      }
    }
    return children;
  }

  /** The first child element with this local name. */
  static Optional<Element> first(Element parent, String name) {
    return all(parent, name).stream().findFirst();
  }

  /** The text of the first child with this name, white space collapsed; empty if there is none. */
  static String text(Element parent, String name) {
    return first(parent, name)
        .map(child -> child.getTextContent().strip().replaceAll("\\s+", " "))
        .orElse("");
  }
}
