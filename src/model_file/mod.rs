//! (model_file)
