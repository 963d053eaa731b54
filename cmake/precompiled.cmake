# Precompiled headers: one for rooms, one for test programs. A target takes one with
# target_precompile_headers(<target> REUSE_FROM sluice_pch_rooms), which asks for the same flags: sluice_flags.
function(sluice_precompiled NAME HEADER)
  add_library(sluice_pch_${NAME} OBJECT ${PROJECT_SOURCE_DIR}/cmake/pch/empty.cpp)
  target_link_libraries(sluice_pch_${NAME} PRIVATE
    sluice_flags Boost::headers Threads::Threads spdlog::spdlog nlohmann_json::nlohmann_json)
  target_precompile_headers(sluice_pch_${NAME} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch/${HEADER})
endfunction()

sluice_precompiled(rooms rooms.hpp)
if(SLUICE_TESTS)
  sluice_precompiled(tests tests.hpp)
endif()
