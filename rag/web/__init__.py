"""The page that staff see in a browser: links and rendering, the Gradio page, and the server that holds it together."""
